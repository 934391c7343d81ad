import type { Cell } from './cells.ts';
import type { Draw } from './random.ts';

/** How a csv file is written, whatever its config says of it. */
export interface CsvStyle {
  readonly delimiter: string;
  readonly quote: string;
  /** What stands before a quote inside quotes. */
  readonly escape: string;
  readonly lineEnd: '\n' | '\r\n' | '\r' | 'mixed';
  readonly quoting: 'needed' | 'all' | 'some';
  readonly header: boolean;
  /** Lines before everything else. */
  readonly preamble: readonly string[];
  /** A delimiter at the end of the header line, of the other lines, or both. */
  readonly trailing: 'none' | 'header' | 'lines' | 'both';
  readonly lastLineEnd: boolean;
  /** Byte order marks before some records, as in files that were joined. */
  readonly joined: boolean;
}

/** Lines that fit no header, written among the others. */
export type Flaw = 'short' | 'long' | 'behind-quote' | 'blank-line' | 'blank-quotes';

export function csvText(
  draw: Draw,
  names: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: CsvStyle,
  flaws: readonly Flaw[],
): string {
  const { delimiter, quote, escape: mark } = style;
  const end = () => (style.lineEnd === 'mixed' ? draw.pick(['\n', '\r\n', '\r']) : style.lineEnd);
  const field = (value: string) => {
    const needed =
      [delimiter, quote, '\n', '\r'].some((char) => value.includes(char)) ||
      value.startsWith('\ufeff') ||
      (mark !== quote && value.includes(mark));
    if (!needed && (style.quoting === 'needed' || (style.quoting === 'some' && draw.chance(0.6))))
      return value;
    const escaped = mark === quote ? value : value.replaceAll(mark, mark + mark);
    return quote + escaped.replaceAll(quote, mark + quote) + quote;
  };
  const lines: string[] = [...style.preamble];
  const trail = (where: 'header' | 'lines') =>
    style.trailing === where || style.trailing === 'both' ? delimiter : '';
  if (style.header) lines.push(names.map(field).join(delimiter) + trail('header'));
  for (const row of rows) {
    const fields = row.map(({ text }) => field(text ?? ''));
    const line = fields.join(delimiter) + trail('lines');
    lines.push(style.joined && draw.chance(0.2) ? `\ufeff${line}` : line);
    if (flaws.length === 0 || !draw.chance(0.15)) continue;
    const flaw = draw.pick(flaws);
    if (flaw === 'short') lines.push(fields.slice(0, -1).join(delimiter));
    if (flaw === 'long') lines.push([...fields, 'x', 'y'].join(delimiter));
    if (flaw === 'behind-quote') lines.push([`${quote}a${quote}b`, ...fields.slice(1)].join(delimiter));
    if (flaw === 'blank-line') lines.push('');
    if (flaw === 'blank-quotes') lines.push(quote + quote);
  }
  const text = lines.map((line) => line + end()).join('');
  return style.lastLineEnd ? text : text.replace(/[\r\n]+$/, '');
}

/** Lines that are no records of JSON. */
const NO_JSON = [
  ...['{"a":', '[]', '"text"', '17', 'null', '{"a":NaN}', "{'a':1}", '{"a":Infinity}', '   '],
  ...[
    '{"a":01}',
    '{"a":"\\ud800"}',
    '{"a":"\t"}',
    '{"a":1} x',
    '{a:1}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":"\\x41"}',
  ],
];

export interface JsonStyle {
  readonly lineEnd: '\n' | '\r\n' | 'mixed';
  /** Characters as \uXXXX now and then. */
  readonly escapes: boolean;
  /** Keys whose value is null are left out now and then. */
  readonly sparse: boolean;
  readonly flawed: boolean;
  readonly lastLineEnd: boolean;
}

export function jsonText(
  draw: Draw,
  names: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: JsonStyle,
): string {
  const end = () => (style.lineEnd === 'mixed' ? draw.pick(['\n', '\r\n']) : style.lineEnd);
  const escaped = (value: string) =>
    Array.from({ length: value.length }, (_, i) => {
      const unit = `\\u${value.charCodeAt(i).toString(16).padStart(4, '0')}`;
      return draw.chance(0.5) ? unit : undefined;
    });
  const quoted = (value: string) => {
    if (!style.escapes || /[\ud800-\udfff]/.test(value)) return JSON.stringify(value);
    const units = escaped(value);
    return `"${[...value].map((char, i) => units[i] ?? JSON.stringify(char).slice(1, -1)).join('')}"`;
  };
  const lines: string[] = [];
  for (const row of rows) {
    const members = row.flatMap(({ text, json }, i) => {
      const value = json ?? (text === null ? 'null' : quoted(text));
      if (value === 'null' && style.sparse && draw.chance(0.5)) return [];
      return [`${JSON.stringify(names[i])}:${value}`];
    });
    lines.push(`{${members.join(',')}}`);
    if (!style.flawed || !draw.chance(0.15)) continue;
    const doubled = members[0] ? `{${members[0]},${members.join(',')}}` : '{}';
    lines.push(draw.chance(0.2) ? '' : draw.chance(0.2) ? doubled : draw.pick(NO_JSON));
  }
  const text = lines.map((line) => line + end()).join('');
  return style.lastLineEnd ? text : text.replace(/[\r\n]+$/, '');
}

/** The bytes of a text in an encoding; latin1 for what holds nothing else. */
export function encoded(text: string, encoding: Encoding): Buffer<ArrayBuffer> {
  if (encoding === 'utf-8') return Buffer.from(text);
  if (encoding === 'utf-8 with mark') return Buffer.from(`\ufeff${text}`);
  if (encoding === 'latin1') return Buffer.from(text, 'latin1');
  const bytes = Buffer.from(encoding.includes('mark') ? `\ufeff${text}` : text, 'utf16le');
  return encoding.startsWith('utf-16be') ? bytes.swap16() : bytes;
}

export type Encoding =
  | 'utf-8'
  | 'utf-8 with mark'
  | 'latin1'
  | 'utf-16le'
  | 'utf-16le with mark'
  | 'utf-16be with mark';
