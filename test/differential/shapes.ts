import type { Case } from './generate.ts';

const csvOf = ({ source }: Case) => (source.csv ?? {}) as Record<string, unknown>;
const columnsOf = ({ source }: Case) => Object.values(source.columns as Record<string, string>).join('\n');
const header = ({ source, text }: Case) => (source.format === 'csv' && text ? text.slice(0, 400) : '');
const starts = ({ bytes }: Case, ...expected: number[]) => expected.every((byte, i) => bytes?.[i] === byte);
const kind = (format: string) => (one: Case) => one.source.format === format;
const holds = (pattern: RegExp) => (one: Case) => pattern.test(one.text ?? '');
const types = (pattern: RegExp) => (one: Case) =>
  one.parquet?.columns.some(({ type }) => pattern.test(type)) ?? false;
const has = (setting: string) => (one: Case) => one.source[setting] !== undefined;

/** The shapes that the files must hold, so that a change of the generator loses none in silence. */
export const SHAPES: Readonly<Record<string, (one: Case) => boolean>> = {
  csv: kind('csv'),
  'lines of JSON': kind('jsonl'),
  parquet: kind('parquet'),
  'columns named like ours': (one) =>
    /nj_\w+|rowid|v_user|\bc0\b/i.test(JSON.stringify(one.parquet ?? one.text ?? '')),
  'a byte order mark inside an id': holds(/\ufeffu1|x[^,]*\ufeff/),
  'decomposed letters': holds(/e\u0301/),
  'zero-width characters': holds(/\u200b|\u200d|\u2060/),
  'characters beyond 16 bits': holds(/[\u{10000}-\u{10ffff}]/u),
  NUL: holds(/\0|\\u0000/),
  'line separators of Unicode': holds(/[\u2028\u2029\u0085]|\\u2028/),
  'times with a zone, without, and with an offset': holds(/\d\dZ[\s\S]*\d\d[+-]\d\d/),
  'RFC 2822': holds(/(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d/),
  'abbreviations of zones': holds(/ (BST|IST)\b/),
  'clocks that change': holds(/2024-(03-31|10-27) 02:30/),
  ...Object.fromEntries(
    ['s', 'ms', 'us', 'ns'].map((unit) => [`times in ${unit}`, (one: Case) => one.source.epoch === unit]),
  ),
  INT96: (one) => one.parquet?.int96 === true && types(/timestamp/)(one),
  'decimals of up to 38 digits': types(/decimal:38/),
  'decimals of more digits': types(/decimal:(39|76)/),
  'floats with NaN': (one) =>
    one.parquet?.columns.some(({ type, values }) => type.startsWith('float') && values.includes('nan')) ??
    false,
  'integers with gaps': (one) =>
    one.parquet?.columns.some(({ type, values }) => type.startsWith('int') && values.includes(null)) ?? false,
  'timestamps with and without zone': types(/timestamp:(ms|us|ns)(:|$)/),
  dates: types(/date32/),
  dictionaries: types(/dictionary/),
  booleans: types(/bool/),
  binary: types(/binary/),
  lists: types(/list/),
  'ids as floats, decimals and integers': types(/^(int32|float32|decimal:10:2|uint64)$/),
  'texts that stand for nothing': holds(/\b(NaN|null|None|undefined)\b/),
  'a decimal comma with thousands': (one) =>
    JSON.stringify(one.source.number ?? '').includes('"decimal":",","thousands":"."'),
  'a currency without digits': (one) => one.shop.currency === 'JPY',
  'a currency of three digits': (one) => one.shop.currency === 'KWD',
  'escaped quotes': (one) => csvOf(one).escape === '\\' && holds(/\\"/)(one),
  'escaped quotes that nobody states': (one) =>
    one.source.format === 'csv' && csvOf(one).escape === undefined && holds(/\\"/)(one),
  'doubled quotes': holds(/""/),
  'fields of several lines': holds(/"[^",]*\n[^",]*"/),
  ...Object.fromEntries(
    [';', '|', '\t'].map((sign) => [
      `fields set apart by ${JSON.stringify(sign)}`,
      (one: Case) => csvOf(one).delimiter === sign,
    ]),
  ),
  'lines that end in CR alone': (one) =>
    one.source.format === 'csv' && holds(/\r(?!\n)/)(one) && !holds(/\n/)(one),
  CRLF: holds(/\r\n/),
  'nameless columns': (one) => /(^|[,;|\t])("")?[,;|\t]/.test(header(one).split(/[\r\n]/)[0] ?? ''),
  'lines before the header': (one) => csvOf(one).skipLines !== undefined,
  'sep=': (one) => /sep=/i.test(header(one)),
  'names without a header': (one) => csvOf(one).columns !== undefined,
  'optional columns': (one) => has('optional')(one) || columnsOf(one).includes('?'),
  unnest: has('unnest'),
  fill: has('fill'),
  where: has('where'),
  key: has('key'),
  newestBy: has('newestBy'),
  'duplicates kept': (one) => one.source.duplicates === 'keep',
  gzip: (one) => starts(one, 0x1f, 0x8b),
  zstd: (one) => starts(one, 0x28, 0xb5, 0x2f, 0xfd),
  zip: (one) => starts(one, 0x50, 0x4b, 3, 4),
  'UTF-16': (one) => starts(one, 0xff, 0xfe) || starts(one, 0xfe, 0xff),
  'another encoding, stated': (one) => one.source.encoding === 'windows-1252',
  'empty files': (one) => one.text === '',
  'a header alone': (one) => one.source.format === 'csv' && /^[^\r\n]+[\r\n]*$/.test(one.text ?? ''),
  ...Object.fromEntries(
    ['events', 'items', 'users', 'labels'].map((table) => [table, (one: Case) => one.source.table === table]),
  ),
};
