import type { NamedSource, Preview } from '../../clean/index.ts';
import { Refusal, withConnection } from '../../clean/index.ts';
import type { Config } from '../../config/index.ts';
import { DataError, EVENT_TYPES } from '../../data/index.ts';
import { withScratch } from '../../runtime/index.ts';
import {
  candidatesFor,
  eventTypeOf,
  inSql,
  lookAtHead,
  numberFormOf,
  profilesOf,
  type SniffedFile,
  sniffFile,
  timeExpression,
  timeFormOf,
  unmapped,
} from '../sniff/index.ts';
import { inline } from '../write-config.ts';

/** A change of the config that the file itself suggests. */
export interface Cure {
  /** What is seen in the file. */
  readonly seen: string;
  /** The setting, as it would stand in the source (or the shop). */
  readonly setting: string;
}

export interface CureInput {
  readonly file: string;
  readonly named: NamedSource;
  readonly config: Config;
  readonly preview: Preview;
}

/** A reason that hits fewer rows than this share is a matter of the rows, not of the config. */
const MANY = 0.1;

/** Changes that would let more of a file's rows through, by what stands in it; the surest first. */
export async function curesFor(input: CureInput): Promise<Cure[]> {
  const { preview, file } = input;
  const troubled = preview.status === 'refused' || preview.clean === 0;
  const many =
    preview.status === 'read' &&
    Object.values(preview.quarantined).some((rows) => rows > MANY * preview.rowsIn);
  if (!troubled && !many) return [];
  return withScratch('check', async (folder) => {
    const cures = [...typeCures(input), ...(await valueCures(input))];
    const sniffed = await sniffedOr(file, `${folder}/file`);
    if (!sniffed) return cures;
    const written = fileCures(input, sniffed);
    // Where a file is read by wrong signs, what stands in its columns says nothing.
    if (written.length > 0) return [...written, ...typeCures(input)];
    return [...cures, ...(await columnCures(input, sniffed))];
  });
}

async function sniffedOr(file: string, scratch: string): Promise<SniffedFile | undefined> {
  try {
    return await sniffFile(file, scratch);
  } catch (error) {
    // What no reader could use has been told of already.
    if (error instanceof Refusal || error instanceof DataError) return undefined;
    throw error;
  }
}

/** Format, delimiter, encoding and lines before the header, where the file's are others than the source's. */
function fileCures({ named: { source } }: CureInput, { format, csv, head }: SniffedFile): Cure[] {
  if (format !== source.format) return [{ seen: `the file is ${format}`, setting: `format: '${format}'` }];
  const cures: Cure[] = [];
  if (head.encoding !== undefined && source.encoding === undefined) {
    cures.push({ seen: 'its bytes are no UTF-8', setting: `encoding: '${head.encoding}'` });
  }
  if (!csv) return cures;
  const settings: string[] = [];
  const seen: string[] = [];
  const add = (what: string, setting: string) => {
    seen.push(what);
    settings.push(setting);
  };
  const told = (sign: string) => JSON.stringify(sign).replaceAll('"', "'");
  if (csv.delimiter !== source.csv.delimiter) {
    add(
      `its lines fall into columns at ${csv.delimiter === '\t' ? 'tabs' : `"${csv.delimiter}"`}`,
      `delimiter: ${told(csv.delimiter)}`,
    );
  }
  if (csv.skipLines !== source.csv.skipLines && csv.skipLines > 0) {
    const many = csv.skipLines === 1 ? 'a line stands' : `${csv.skipLines} lines stand`;
    add(`${many} before the header`, `skipLines: ${csv.skipLines}`);
  }
  if (csv.escape !== undefined && source.csv.escape === undefined) {
    add('quotes inside fields follow a backslash', `escape: '\\\\'`);
  }
  if (csv.columns && source.csv.columns === undefined) {
    add('its first line is no header', `columns: [${csv.columns.map((name) => `'${name}'`).join(', ')}]`);
  }
  if (settings.length > 0) cures.push({ seen: seen.join('; '), setting: `csv: { ${settings.join(', ')} }` });
  return cures;
}

/** An event type without its quotes is the name of a column. */
function typeCures({ named: { source }, preview }: CureInput): Cure[] {
  if (source.table !== 'events') return [];
  const { type } = source.columns;
  if (preview.status === 'refused') {
    const word = type.trim().toLowerCase();
    if (!EVENT_TYPES.some((one) => one === word) || !preview.reason.includes(`no column "${type.trim()}"`))
      return [];
    return [{ seen: `"${word}" is no column, and an event type`, setting: `type: "'${word}'"` }];
  }
  const values = [...new Set(preview.examples['type: unknown'] ?? [])];
  const known = values.filter((value) => eventTypeOf(value) !== undefined);
  if (known.length === 0) return [];
  const cases = known
    .map((value) => `WHEN '${value.replaceAll("'", "''")}' THEN '${eventTypeOf(value)}'`)
    .join(' ');
  return [
    {
      seen: `event types of the shop’s own: ${known.join(', ')}`,
      setting: `type: \`CASE ${type} ${cases} ELSE ${type} END\``,
    },
  ];
}

/** Times, numbers and currencies, by the values that were rejected. */
async function valueCures({ preview, named, config }: CureInput): Promise<Cure[]> {
  if (preview.status === 'refused') return [];
  const cures: Cure[] = [];
  const enough = (kind: string) => (preview.quarantined[kind] ?? 0) > MANY * preview.rowsIn;
  const examples = (kind: string) => (enough(kind) ? [...new Set(preview.examples[kind] ?? [])] : []);
  const { source } = named;
  const times = ['no timestamp', 'before 1990', 'later than the drop'].flatMap((why) =>
    examples(`time: ${why}`),
  );
  if (source.table === 'events' && times.length > 0) {
    const form = await withConnection({ threads: 1 }, (sql) => timeFormOf(sql, times));
    const expression = source.columns.time.trim();
    if (form?.epoch !== undefined && form.epoch !== source.epoch) {
      cures.push({
        seen: `times are numbers since 1970, like ${times[0]}`,
        setting: `epoch: '${form.epoch}'`,
      });
    } else if (form?.format !== undefined) {
      const column = /^\w+\(/.test(expression)
        ? expression
        : inSql({ name: expression.replace(/^"|"$/g, '') });
      const other =
        form.others.length > 0
          ? `; ${form.others.join(', ')} would fit as well: which comes first, day or month?`
          : '';
      cures.push({
        seen: `times are written like ${times[0]}${other}`,
        setting: `time: \`${timeExpression(column, form)}\``,
      });
    }
  }
  for (const name of ['price', 'amount', 'quantity']) {
    const values = examples(`${name}: no number`);
    const form = numberFormOf(values);
    if (!form || Object.keys(form).length === 0) continue;
    const setting = `number: ${inline(form)}`;
    if (cures.some((cure) => cure.setting === setting)) continue;
    cures.push({ seen: `numbers are written like ${values[0]}`, setting });
  }
  const [code] = examples('currency: not the shop’s');
  if (code !== undefined && preview.clean === 0) {
    cures.push({
      seen: `money is in ${code}, the shop’s currency is ${config.shop.currency}`,
      setting: `shop: { currency: '${code.toUpperCase()}' }`,
    });
  }
  return cures;
}

/** Lists in a column that are rows inside a row; another column for the user where the one that is named is empty. */
async function columnCures({ named, preview }: CureInput, sniffed: SniffedFile): Promise<Cure[]> {
  const { source } = named;
  if (source.table === 'labels') return [];
  const columns = await lookAtHead(sniffed, unmapped(sniffed), profilesOf);
  const lists = columns.filter(({ list }) => list && source.unnest === undefined);
  const cures = lists.map(({ name }) => ({
    seen: `the column ${name} holds lists: each element can be a row`,
    setting: `unnest: '${name}', with item: 'element.…'`,
  }));
  if (source.table !== 'events' || preview.status === 'refused') return cures;
  if (preview.clean > 0 || preview.quarantined['no user'] !== preview.rowsIn) return cures;
  const [likely] = candidatesFor('user', columns);
  if (!likely) return cures;
  const { name } = likely.column;
  cures.push({
    seen: `${source.columns.user} is empty in every row, and ${name} is not`,
    setting: `user: ${inline(inSql(likely.column))}`,
  });
  return cures;
}
