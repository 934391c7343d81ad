import { type Data, Field, Float64, makeData, Uint8, Uint32, Utf8, vectorFromArray } from 'apache-arrow';
import { decodeArrow, encodeArrow, recordBatch } from '../../data/index.ts';
import { type TextColumn, textColumn } from '../text-column.ts';
import { TRAITS } from './traits.ts';

/** Numbers of a user as of the day; NaN where there is none. Money is in major units. */
export const PROFILE_NUMBERS = ['expectedGap', 'recency', 'purchaseDays', 'money', 'price'] as const;
/** What a user is, as codes. */
const PROFILE_CODES = ['lifecycle', 'partOfDay', 'weekday'] as const;

type Numbers = Readonly<Record<(typeof PROFILE_NUMBERS)[number], Float64Array>>;
type Codes = Readonly<Record<(typeof PROFILE_CODES)[number], Uint8Array>>;

/** The profiles of a shard's users, in the order of its scores. */
export interface ShardProfiles extends Numbers, Codes {
  readonly users: readonly string[];
  readonly hashes: Uint32Array;
  /** JSON lists of names and shares; absent where interests are not told. */
  readonly interests?: readonly (string | null)[];
  /** In the order of `TRAITS`; absent where anomalies are not told. */
  readonly traits?: readonly Float64Array[];
}

/** The same without a JavaScript value for each cell. */
export interface ProfileColumns extends Numbers, Codes {
  readonly rows: number;
  readonly users: TextColumn;
  readonly hashes: Uint32Array;
  readonly interests?: TextColumn;
  readonly traits?: readonly Float64Array[];
}

const traitColumn = (name: string): string => `trait_${name}`;

/** The Arrow file of a shard's profiles. */
export function encodeProfiles(profiles: ShardProfiles, metadata: Record<string, string>): Uint8Array {
  const { users, hashes, interests, traits } = profiles;
  const rows = users.length;
  const fields: Field[] = [];
  const columns: Data[] = [];
  const text = (name: string, values: readonly (string | null)[]) => {
    fields.push(new Field(name, new Utf8(), true));
    columns.push(vectorFromArray(values, new Utf8()).data[0] ?? makeData({ type: new Utf8(), length: 0 }));
  };
  text('user', users);
  fields.push(new Field('hash', new Uint32(), false));
  columns.push(makeData({ type: new Uint32(), length: rows, nullCount: 0, data: hashes }));
  for (const name of PROFILE_NUMBERS) {
    fields.push(new Field(name, new Float64(), false));
    columns.push(makeData({ type: new Float64(), length: rows, nullCount: 0, data: profiles[name] }));
  }
  for (const name of PROFILE_CODES) {
    fields.push(new Field(name, new Uint8(), false));
    columns.push(makeData({ type: new Uint8(), length: rows, nullCount: 0, data: profiles[name] }));
  }
  if (interests) text('interests', interests);
  traits?.forEach((data, t) => {
    fields.push(new Field(traitColumn(TRAITS[t]!.name), new Float64(), false));
    columns.push(makeData({ type: new Float64(), length: rows, nullCount: 0, data }));
  });
  return encodeArrow(fields, [recordBatch(fields, columns, rows)], metadata);
}

/**
 * The columns of what encodeProfiles wrote, over the file's own bytes.
 * @param name of the object, for errors
 * @throws DataError when the bytes are no Arrow file
 */
export function profileColumns(bytes: Uint8Array, name: string): ProfileColumns {
  const { schema, batches } = decodeArrow(bytes, name);
  const batch = batches[0]!;
  const rows = batch.numRows;
  const data = (column: string) => batch.getChild(column)!.data[0]!;
  const numbers = PROFILE_NUMBERS.map((column) => [column, data(column).values.subarray(0, rows)]);
  const codes = PROFILE_CODES.map((column) => [column, data(column).values.subarray(0, rows)]);
  const has = (column: string) => schema.fields.some((field) => field.name === column);
  const traits = TRAITS.map(({ name: trait }) => traitColumn(trait)).filter(has);
  return {
    rows,
    users: textColumn(data('user'), rows),
    hashes: data('hash').values.subarray(0, rows),
    ...(Object.fromEntries(numbers) as Numbers),
    ...(Object.fromEntries(codes) as Codes),
    ...(has('interests') ? { interests: textColumn(data('interests'), rows) } : {}),
    ...(traits.length > 0
      ? { traits: traits.map((column) => data(column).values.subarray(0, rows) as Float64Array) }
      : {}),
  };
}
