import { type Draw, isLatin } from './random.ts';

/** A cell as a file may hold it: a text, or in JSON a token that is none (a number, true, a list). */
export interface Cell {
  readonly text: string | null;
  /** How JSON writes it, where that is no string. */
  readonly json?: string;
}

const text = (value: string | null): Cell => ({ text: value });
const token = (value: string): Cell => ({ text: value, json: value });

const ABSENT = ['', 'NaN', 'nan', 'null', 'NULL', 'None', 'undefined', '<NA>', 'NaT', ' '];
const EDGES = ['\ufeff', '\u200b', '\u2060', '\u00a0', '\u200e', '\u200d', '\u3000', '\u2028', ' ', '\t'];
const INNER = [
  ...['é', 'e\u0301', 'ß', 'İ', 'Σ', '語', '😀', '👩\u200d👩', '\0', '\u0001', '\u2028', '\u2029', '\u0085'],
  ...[
    '\u200b',
    '\ufeff',
    '\u{10ffff}',
    '\ufffd',
    '\uffff',
    '\\',
    "'",
    '"',
    ',',
    ';',
    '|',
    '\t',
    '%',
    '_',
    '{',
  ],
];
const LINES = ['\n', '\r\n', '\r', ' ', '"', ',', '\\', 'a', 'é', '\t', ';', '|', "'", '語'];

/** What a file's encoding can hold. */
export type Letters = 'all' | 'latin';

const fits = (list: readonly string[], letters: Letters) =>
  letters === 'all' ? list : list.filter((one) => isLatin(one));

/** Ids: few of them, so that rows share them, in the forms that formats and exports give them. */
export function idCell(draw: Draw, letters: Letters): Cell {
  const kind = draw.int(0, 19);
  const digits = String(draw.int(17850, 17854));
  if (kind < 5) return token(digits);
  if (kind === 5) return token(`${digits}.0`);
  if (kind === 6) return text(digits);
  if (kind === 7) return text(`  ${digits} `);
  if (kind === 8) return draw.chance(0.5) ? { text: '', json: 'null' } : text(draw.pick(ABSENT));
  if (kind === 9) return token(draw.pick(['12345678901234567890', '9007199254740993', '-5', '0', '1e3']));
  if (kind === 10) return text(draw.pick(['9007199254740993.0', '1.2345678901234568e+18', '4.00638E+12']));
  if (kind === 11) return text(`${draw.pick(fits(EDGES, letters))}u1${draw.pick(fits(EDGES, letters))}`);
  if (kind < 15) return text(`x${draw.pick(fits(INNER, letters))}${draw.pick(fits(INNER, letters))}y`);
  if (kind === 15)
    return text(draw.pick(['u1', 'U1', '007', '7', '1.50', '1.5', '+5', 'NAN', 'Null', 'true']));
  return text(`user-${draw.int(1, 6)}`);
}

const SUFFIXES = [
  ...[
    '',
    '',
    '',
    'Z',
    'z',
    ' UTC',
    ' GMT',
    '+02:00',
    '-0500',
    '+05',
    ' +05:30',
    ' GMT+0200',
    '-08',
    '+00:00',
  ],
  ...[' America/New_York', ' Europe/Berlin', ' Asia/Kolkata', '[Europe/Paris]', '+01:00[Europe/Berlin]'],
];
const NO_TIMES = [
  ...['yesterday', '2024-13-01', '2024-02-30', '01.07.2024', '7/1/2024', '2024-07-01 25:00', '2024-07'],
  ...['2024-07-01 10:00:00 BST', '2024-07-01 10:00:00 IST', '2024-07-01 10:00 AM', '1970-01-01 00:00:00'],
  ...['2099-01-01', '2024-07-01 10:60', '10:00', 'infinity', '2024-07-01 10:00:00 Mars/Olympus', '-'],
];
/** Clocks that a zone has twice, or never. */
const CHANGES = [
  ...[
    '2024-03-31 02:30:00',
    '2024-10-27 02:30:00',
    '2024-03-10 02:15:00',
    '2024-11-03 01:59:59',
    '2024-03-31 01:30',
  ],
  ...['2024-10-06 02:10:00', '2024-04-07 01:45:00', '2024-10-27 03:00:00', '2024-10-27 01:00:00'],
];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const WEEKDAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ');

/** A time between 1995 and May 2026, ms. */
export function momentMs(draw: Draw): number {
  const days = draw.chance(0.7) ? draw.int(19_700, 19_760) : draw.int(9200, 20_590);
  return days * 86_400_000 + draw.pick([0, 1, draw.int(0, 86_399_999), draw.int(0, 1439) * 60_000]);
}

export function timeText(draw: Draw): string {
  const kind = draw.int(0, 24);
  if (kind === 0) return draw.pick(ABSENT);
  if (kind === 1) return draw.pick(NO_TIMES);
  if (kind === 2) return draw.pick(CHANGES);
  const date = new Date(momentMs(draw));
  const iso = date.toISOString();
  const [day, clock] = [iso.slice(0, 10), iso.slice(11, 19)];
  const zone = draw.pick(SUFFIXES);
  if (kind < 5) return day;
  if (kind === 5)
    return `${day.replaceAll('-', '')}T${clock.replaceAll(':', '')}${/^[Z+]/.test(zone) ? zone : 'Z'}`;
  if (kind === 6) {
    const sep = draw.pick(['/', '-']);
    return `${date.getUTCFullYear()}${sep}${date.getUTCMonth() + 1}${sep}${date.getUTCDate()} ${clock}`;
  }
  if (kind === 7) {
    const mail = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${clock}`;
    return `${draw.chance(0.7) ? `${WEEKDAYS[date.getUTCDay()]}, ` : ''}${mail} ${draw.pick(['+0100', 'GMT', '-0330', 'UTC'])}`;
  }
  const fraction = draw.chance(0.3) ? `.${String(draw.int(0, 999_999_999)).slice(0, draw.int(1, 9))}` : '';
  const seconds = draw.chance(0.9) ? clock + fraction : clock.slice(0, 5);
  const blank = draw.chance(0.05) ? ' ' : '';
  return `${blank}${day}${draw.pick(['T', ' '])}${seconds}${zone}${blank}`;
}

const PER_MS = { s: -3, ms: 0, us: 3, ns: 6 } as const;
export type Unit = keyof typeof PER_MS;

/** A whole number since 1970 in a unit, now and then in another one than is stated. */
export function epochCell(draw: Draw, unit: Unit): Cell {
  if (draw.chance(0.06)) return text(draw.pick(ABSENT));
  const ms = String(momentMs(draw));
  const meant = draw.chance(0.05) ? draw.pick(['s', 'ms', 'us', 'ns'] as const) : unit;
  const scale = PER_MS[meant];
  const whole =
    scale < 0 ? ms.slice(0, scale) : `${ms}${String(draw.int(0, 999_999)).padStart(6, '0').slice(0, scale)}`;
  const number = scale < 0 && draw.chance(0.2) ? `${whole}.${ms.slice(scale)}` : whole;
  return draw.chance(0.3) ? text(number) : token(number);
}

export interface NumberStyle {
  readonly decimal: '.' | ',';
  readonly thousands: '' | '.' | ',' | ' ' | "'";
  readonly marks: readonly string[];
}

const NO_NUMBERS = [
  'abc',
  '1_000',
  '0x10',
  '--5',
  '1e',
  '5 %',
  'inf',
  '١٢',
  '1,5',
  '1.234.5',
  '€ 5',
  '1e400',
];

/** A number in the style of a file, now and then in none. */
export function numberCell(draw: Draw, style: NumberStyle | undefined, whole: boolean): Cell {
  const kind = draw.int(0, 29);
  if (kind === 0) return text(draw.pick(ABSENT));
  if (kind === 1) return text(draw.pick(NO_NUMBERS));
  if (kind === 2) return token(draw.pick(['1e300', '99999999999999', '-12345678901']));
  const digits = whole ? 0 : draw.pick([0, 1, 2, 2, 2, 3]);
  const size = draw.pick([9, 99, 4999, 1_234_567]);
  const value = draw.int(0, size * 10 ** digits) / 10 ** digits;
  const plain = value.toFixed(digits);
  const sign = draw.chance(0.15) ? '-' : '';
  if (!style) {
    if (draw.chance(0.1)) return text(draw.pick([`${sign}${plain} `, `+${plain}`, `${sign}0${plain}`]));
    return draw.chance(0.3) ? text(`${sign}${plain}`) : token(`${sign}${plain}`);
  }
  const [integer = '', fraction = ''] = plain.split('.');
  const grouped =
    style.thousands && draw.chance(0.7) ? integer.replace(/\B(?=(\d{3})+$)/g, style.thousands) : integer;
  const number = `${grouped}${fraction ? style.decimal + fraction : ''}`;
  const mark = style.marks.length > 0 && draw.chance(0.4) ? draw.pick(style.marks) : '';
  const marked = mark ? draw.pick([`${mark} ${number}`, `${number} ${mark}`, `${number}${mark}`]) : number;
  if (sign) return text(draw.pick([`-${marked}`, `${marked}-`, `(${marked})`]));
  return draw.chance(0.15) ? token(plain) : text(marked);
}

/** A text that may hold whatever stands between fields and lines. */
export function freeCell(draw: Draw, letters: Letters): Cell {
  if (draw.chance(0.3))
    return text(
      draw.pick(
        ['', 'plain', 'lovely tea', 'NaN', '007', '\ufeffmarked', 'a\\'].filter(
          (one) => fits([one], letters).length > 0,
        ),
      ),
    );
  const pool = fits(draw.chance(0.5) ? LINES : [...LINES, ...INNER], letters);
  return text(Array.from({ length: draw.int(1, 9) }, () => draw.pick(pool)).join(''));
}

/** What equal or nearly equal cells of columns that nobody maps hold. */
export function noiseCell(draw: Draw, letters: Letters): Cell {
  const kind = draw.int(0, 9);
  if (kind < 6) return token(String(draw.int(0, 2)));
  if (kind === 6) return { text: '', json: 'null' };
  if (kind === 7) return { text: '', json: '""' };
  if (kind === 8) return { text: '{"a":1}', json: '{"a":1}' };
  return freeCell(draw, letters);
}

export const constantCell = text;
export const tokenCell = token;
