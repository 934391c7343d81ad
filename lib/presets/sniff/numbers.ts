/** The setting `number` of a source. */
export interface NumberForm {
  readonly decimal?: '.' | ',';
  readonly thousands?: '' | '.' | ',' | ' ' | "'" | '’' | '_';
  readonly marks?: string[];
}

const FORMS: readonly NumberForm[] = [
  {},
  { decimal: ',' },
  { decimal: ',', thousands: '.' },
  { decimal: ',', thousands: ' ' },
  { decimal: ',', thousands: "'" },
  { thousands: ',' },
  { thousands: ' ' },
  { thousands: "'" },
  { thousands: '’' },
];

/** What stands around money: a sign, a code of three capitals, or an abbreviation in use. */
const MARK = /^(\p{Sc}|[A-Z]{1,3}\p{Sc}|[A-Z]{3}|kr\.?|zł|Kč|Ft|lei|лв\.?|руб\.?|Fr\.?)$/u;

/**
 * How numbers are written, if all values are.
 * @param values distinct, without empty ones
 * @returns the setting `number`, {} for a decimal point alone; undefined where they are none
 */
export function numberFormOf(values: readonly string[]): NumberForm | undefined {
  if (values.length === 0) return undefined;
  const marks = new Set<string>();
  const bare: string[] = [];
  for (const value of values) {
    // A sign of a currency, or its code, before or behind the number.
    const parts = /^([^\d+(.,-]*)([-+(]?[\d.,'’_ \u00a0\u202f]*\d[\d.,]*\)?-?)([^\d)]*)$/u.exec(value.trim());
    if (!parts) return undefined;
    const [, before = '', number = '', behind = ''] = parts;
    for (const mark of [before, behind].map((text) => text.trim()).filter(Boolean)) {
      if (!MARK.test(mark)) return undefined;
      marks.add(mark);
    }
    bare.push(number.trim());
  }
  const form = FORMS.find((one) => bare.every((number) => matches(number, one)));
  if (!form || marks.size > 3) return undefined;
  return marks.size > 0 ? { ...form, marks: [...marks] } : form;
}

function matches(number: string, { decimal = '.', thousands = '' }: NumberForm): boolean {
  const point = decimal === '.' ? '\\.' : ',';
  const group =
    thousands === '' ? '' : thousands === ' ' ? '[ \u00a0\u202f]' : thousands === '.' ? '\\.' : thousands;
  const digits = group === '' ? '\\d+' : `(\\d+|\\d{1,3}(${group}\\d{3})+)`;
  return new RegExp(`^[-+(]?${digits}(${point}\\d*)?\\)?-?$`).test(number);
}

/** A number in that form; NaN for what is none. */
export function numberIn(value: string, { decimal = '.', thousands = '', marks = [] }: NumberForm): number {
  let bare = value;
  for (const mark of marks) bare = bare.replaceAll(mark, '');
  bare = bare.replaceAll(/[\s\u00a0\u202f]/g, '');
  if (thousands !== '') bare = bare.replaceAll(thousands, '');
  if (decimal === ',') bare = bare.replace(',', '.');
  const negative = /^\(.*\)$|-$/.test(bare);
  const number = Number(bare.replaceAll(/[()]|-$/g, ''));
  return negative ? -number : number;
}
