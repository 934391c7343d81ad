import { quoteText, type Sql } from '../../clean/index.ts';
import { EPOCH_UNITS, type EpochUnit, parseInstant } from '../../data/index.ts';

/** How the values of a column are read as times. */
export interface TimeForm {
  /** Format of `strptime`; undefined: the column is read as it is. */
  readonly format?: string;
  /** The setting `epoch` of the source. */
  readonly epoch?: EpochUnit;
  /** Each value names its zone or offset. */
  readonly zoned: boolean;
  /** Other formats that fit every value as well: day and month may be the other way round. */
  readonly others: readonly string[];
}

const DATES = [
  ...['%d.%m.%Y', '%d/%m/%Y', '%m/%d/%Y', '%d-%m-%Y', '%m-%d-%Y', '%Y.%m.%d', '%Y-%m-%d', '%Y/%m/%d'],
  ...[
    '%d.%m.%y',
    '%d/%m/%y',
    '%m/%d/%y',
    '%d %b %Y',
    '%d-%b-%Y',
    '%d-%b-%y',
    '%d %B %Y',
    '%b %d, %Y',
    '%B %d, %Y',
  ],
  '%Y%m%d',
];
const CLOCKS = [
  ...['', ' %H:%M', ' %H:%M:%S', ' %I:%M %p', ' %I:%M:%S %p', ', %H:%M', ', %H:%M:%S', 'T%H:%M:%S'],
  ...[' %H:%M:%S.%f', ' %H.%M', '%H%M%S', ' - %H:%M'],
];
/** What a shop's times lie between. */
const [FIRST, LAST] = [Date.UTC(1990, 0, 1), Date.UTC(2060, 0, 1)];
/** Values that are looked at: more tell no more. */
const LOOKED_AT = 300;

/**
 * The form in which all of a column's values are times.
 * @param values distinct, without empty ones
 * @returns undefined where there is none
 */
export async function timeFormOf(sql: Sql, values: readonly string[]): Promise<TimeForm | undefined> {
  const some = values.slice(0, LOOKED_AT).map((value) => value.trim());
  if (some.length === 0 || some.some((value) => !/\d/.test(value))) return undefined;
  const epoch = epochOf(some);
  if (epoch) return { epoch, zoned: true, others: [] };
  const at = (zone: string) => some.map((value) => parseInstant(value, { zone, abbreviations: {} }));
  const instants = at('UTC');
  if (instants.every((instant) => instant !== undefined && instant >= FIRST && instant < LAST)) {
    const elsewhere = at('Asia/Tokyo');
    return { zoned: instants.every((instant, i) => instant === elsewhere[i]), others: [] };
  }
  const [format, ...others] = await fitting(sql, some);
  return format === undefined ? undefined : { format, zoned: false, others };
}

/** The unit of numbers since 1970: where each would be a time in one unit alone. */
function epochOf(values: readonly string[]): EpochUnit | undefined {
  if (!values.every((value) => /^\d{9,20}(\.\d+)?$/.test(value))) return undefined;
  // 20240131120000 counts nothing.
  const units: EpochUnit[] = ['s', 'ms', 'us', 'ns'];
  return units.find((unit) =>
    values.every((value) => {
      const ms = Number(value) * EPOCH_UNITS[unit];
      return ms >= FIRST && ms < LAST;
    }),
  );
}

const FORMATS = DATES.flatMap((date) => CLOCKS.map((clock) => `${date}${clock}`)).map((format) => ({
  format,
  shape: shapeOf(format),
}));

/** What values in a format look like: few formats are left to be tried by DuckDB, which is what reads them later. */
function shapeOf(format: string): RegExp {
  const parts: Readonly<Record<string, string>> = {
    ...{ Y: '\\d{4}', b: '[A-Za-z]{3}', B: '[A-Za-z]{3,9}', f: '\\d{1,9}', p: '[AaPp][Mm]' },
  };
  const escaped = format.replaceAll('.', '\\.');
  // Numbers that stand side by side have all of their digits.
  const digits = /%\w%\w/.test(format) ? '\\d{2}' : '\\d{1,2}';
  return new RegExp(`^${escaped.replaceAll(/%(\w)/g, (_, part: string) => parts[part] ?? digits)}$`);
}

/** Formats in which DuckDB reads every value, in the order of the lists. */
async function fitting(sql: Sql, values: readonly string[]): Promise<string[]> {
  const formats = FORMATS.filter(({ shape }) => values.every((value) => shape.test(value))).map(
    ({ format }) => format,
  );
  if (formats.length === 0) return [];
  const list = values.map(quoteText).join(', ');
  const fits = formats.map(
    (format) =>
      `bool_and(coalesce(year(try_strptime(v, ${quoteText(format)})) BETWEEN 1990 AND 2059, false))`,
  );
  const [row = []] = await sql.rows(`SELECT ${fits.join(', ')} FROM (SELECT unnest([${list}]) AS v)`);
  return formats.filter((_, i) => row[i] === true);
}

/** The expression of a column in that form. @param column as it is written in SQL */
export const timeExpression = (column: string, { format }: TimeForm): string =>
  format === undefined ? column : `strptime(${column}, '${format}')`;
