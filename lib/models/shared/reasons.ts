/** A name with a number, as exports keep reasons and lists: `value` is null where nothing was computed. */
export interface NamedValue {
  readonly name: string;
  readonly value: number | null;
}

/** Digits behind the point: what a reader can use, and the same text whatever the float behind it. */
const DIGITS = 4;

/** The JSON text of named values, in their order. */
export const namedValues = (values: readonly NamedValue[]): string =>
  JSON.stringify(
    values.map(({ name, value }) => ({
      name,
      // Adding 0 makes a -0 of rounding a 0.
      value: value === null ? null : Number(value.toFixed(DIGITS)) + 0,
    })),
  );

/** The groups with the largest effect on the logit, signed, strongest first, as a JSON list of named values. */
export function strongest(names: readonly string[], effects: Float32Array, count: number): string {
  const order = names.map((_, i) => i).sort((a, b) => Math.abs(effects[b]!) - Math.abs(effects[a]!) || a - b);
  return namedValues(order.slice(0, count).map((i) => ({ name: names[i]!, value: effects[i]! })));
}

/** The names of a list as scores hold it, in its order. */
export function listedNames(json: string | null | undefined): string[] {
  const listed: NamedValue[] = JSON.parse(json ?? '[]');
  return listed.map(({ name }) => name);
}
