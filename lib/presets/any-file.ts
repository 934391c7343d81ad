import { ConfigError } from '../data/index.ts';
import type { Guess } from './guess.ts';
import type { SourceInput } from './preset.ts';
import {
  type Candidate,
  type ColumnProfile,
  candidatesFor,
  eventTypeOf,
  fileSettings,
  inSql,
  isVoidStatus,
  lookAtHead,
  profilesOf,
  type Role,
  type SniffedFile,
  timeExpression,
  unmapped,
} from './sniff/index.ts';
import { inline } from './write-config.ts';

/** The source of events that a file seems to hold. */
export interface GuessedSource {
  readonly name: string;
  readonly source: SourceInput;
  /** Lines of comment, by the path within the source. */
  readonly why: Readonly<Record<string, readonly string[]>>;
  readonly guesses: readonly Guess[];
  /** The most frequent code in the column of currencies. */
  readonly currency?: string;
  /** Each time names its zone: the zone of the source does not matter. */
  readonly zoned: boolean;
}

type Columns = Record<string, string> & { user: string; time: string; type: string };

/**
 * Guesses from names and contents of columns which of them are user, time, item and so on. Each guess says why, and what
 * else it may be: alternatives stand in the config as comments.
 * @throws ConfigError where nothing can be user or time
 */
export function guessSource(file: string, sniffed: SniffedFile): Promise<GuessedSource> {
  const settings = fileSettings(sniffed);
  return lookAtHead(sniffed, unmapped(sniffed), async (look) => {
    const columns = await profilesOf(look);
    const taken = new Set<string>();
    const guesses: Guess[] = [...fileGuesses(sniffed, look.rows, columns.length)];
    const why: Record<string, string[]> = {};
    /** Takes the likeliest column for a role. @param write the column as an expression */
    const take = (role: Role, write: (column: ColumnProfile) => string = ({ name }) => name) => {
      const [best, ...others] = candidatesFor(role, columns, taken);
      if (!best) return undefined;
      taken.add(best.column.name);
      const expression = write(best.column);
      guesses.push({
        what: `columns.${role}`,
        guess: expression,
        why: best.why,
        ...(others.length > 0 && { others: others.map(({ column }) => column.name) }),
      });
      why[`columns.${role}`] = [
        `${best.why[0]?.toUpperCase()}${best.why.slice(1)}.`,
        ...commented(role, others, write),
      ];
      return { ...best, expression };
    };
    const time = take('time', (column) =>
      column.time?.format === undefined ? column.name : timeExpression(inSql(column), column.time),
    );
    const user = take('user');
    if (!time || !user) throw nothingFits(file, time ? 'user' : 'time', columns);
    const type = take('type');
    const item = take('item');
    const quantity = take('quantity');
    const price = take('price');
    const amount = take('amount');
    const session = take('session');
    const currency = take('currency');
    const kinds = typeOf(type, quantity, columns, guesses);
    why['columns.type'] = kinds.why;
    const form = time.column.time;
    if (form && form.others.length > 0) {
      why['columns.time'] = [
        ...(why['columns.time'] ?? []),
        `Day and month may be the other way round: ${form.others.join(', ')} fits every value as well.`,
      ];
      guesses.push({
        what: 'order of day and month',
        guess: form.format ?? '',
        why: 'no value has a day above 12: look at the rows below',
        others: form.others,
      });
    }
    const number = numberOf([quantity, price, amount], guesses);
    const lists = columns.filter(({ list }) => list);
    if (lists.length > 0) {
      guesses.push({
        what: 'unnest',
        guess: 'not set',
        why: 'a row holds a list: each of its elements can be a row of its own',
        others: lists.map(({ name }) => `unnest: '${name}'`),
      });
      why.table = lists.map(
        ({ name }) => `unnest: '${name}', // its elements are rows then: item: 'element.sku'`,
      );
    }
    const where = { ...kinds.where, ...statusOf(columns, taken, guesses, why) };
    const key = keyOf(columns, guesses);
    const mapped: Columns = {
      user: user.expression,
      time: time.expression,
      type: kinds.expression,
      ...(item && { item: item.expression }),
      ...(quantity && { quantity: quantity.expression }),
      ...(price && { price: price.expression }),
      ...(amount && { amount: amount.expression }),
      ...(currency && { currency: currency.expression }),
      ...(session && { session: session.expression }),
    };
    why.duplicates = [
      key
        ? 'The first row of each key counts.'
        : "Equal lines of one file count once; 'keep' counts them all, where an order may list an item twice.",
    ];
    const code = currency?.column.values[0]?.value.toUpperCase();
    return {
      name: type ? 'events' : 'orders',
      source: {
        ...settings,
        table: 'events',
        ...(form?.epoch && { epoch: form.epoch }),
        ...(number && { number }),
        columns: mapped,
        ...(Object.keys(where).length > 0 && { where }),
        ...(key && { key: [key] }),
        duplicates: 'drop',
      },
      why,
      guesses,
      ...(code !== undefined && { currency: code }),
      zoned: form?.zoned ?? false,
    };
  });
}

/** Alternatives, as settings that a person may put in the place of the one above. */
const commented = (role: Role, others: readonly Candidate[], write: (column: ColumnProfile) => string) =>
  others.slice(0, 4).map(({ column }) => `${role}: ${JSON.stringify(write(column))},`);

function fileGuesses({ format, csv, head }: SniffedFile, rows: number, columns: number): Guess[] {
  const looked = `${rows.toLocaleString('en-GB')} rows of ${columns} columns${head.whole ? '' : ', the beginning of the file'}`;
  const guesses: Guess[] = [{ what: 'format', guess: format, why: looked }];
  if (csv) {
    const names: Record<string, string> = { '\t': 'a tab', ';': 'a semicolon', ',': 'a comma', '|': 'a bar' };
    const shown = names[csv.delimiter] ?? `"${csv.delimiter}"`;
    guesses.push({ what: 'csv.delimiter', guess: shown, why: 'DuckDB’s sniffer' });
    if (csv.quote !== '"') guesses.push({ what: 'csv.quote', guess: csv.quote, why: 'DuckDB’s sniffer' });
    if (csv.escape)
      guesses.push({ what: 'csv.escape', guess: csv.escape, why: 'quotes inside fields follow a backslash' });
    if (csv.skipLines > 0)
      guesses.push({
        what: 'csv.skipLines',
        guess: String(csv.skipLines),
        why: 'lines before the header that are no rows',
      });
    if (csv.columns)
      guesses.push({
        what: 'csv.columns',
        guess: csv.columns.join(', '),
        why: 'the first line is no header: give the columns names',
      });
  }
  if (head.encoding !== undefined)
    guesses.push({
      what: 'encoding',
      guess: head.encoding,
      why: 'its bytes are no UTF-8: look at letters with accents',
    });
  return guesses;
}

interface Kinds {
  readonly expression: string;
  readonly why: string[];
  readonly where: Record<string, string>;
}

/** What becomes of the column of event types; without one, rows are purchases, and returns where pieces are negative. */
function typeOf(
  type: Candidate | undefined,
  quantity: Candidate | undefined,
  columns: readonly ColumnProfile[],
  guesses: Guess[],
): Kinds {
  const values = type?.column.values ?? [];
  const known = values.filter(({ value }) => eventTypeOf(value) !== undefined);
  if (type && known.length > 0) {
    const column = inSql(type.column);
    const renamed = known.filter(({ value }) => eventTypeOf(value) !== value);
    const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
    const cases = renamed.map(({ value }) => `WHEN ${text(value)} THEN '${eventTypeOf(value)}'`);
    const expression =
      cases.length === 0 ? type.column.name : `CASE ${column} ${cases.join(' ')} ELSE ${column} END`;
    const others = values.filter(({ value }) => eventTypeOf(value) === undefined);
    const where =
      others.length === 0
        ? undefined
        : { known_type: `${column} IN (${known.map(({ value }) => text(value)).join(', ')})` };
    if (where) {
      guesses.push({
        what: 'where.known_type',
        guess: where.known_type,
        why: `no event type means these: ${others
          .slice(0, 5)
          .map(({ value, rows }) => `${value} (${rows})`)
          .join(', ')}`,
      });
    }
    const said = known.map(({ value }) => `${value} → ${eventTypeOf(value)}`).join(', ');
    replaceGuess(guesses, { what: 'columns.type', guess: said, why: type.why });
    return { expression, why: [`${said}.`], where: where ?? {} };
  }
  const returns = quantity?.column.negative === true;
  const expression = returns
    ? `CASE WHEN ${inSql(quantity.column)}::DOUBLE < 0 THEN 'return' ELSE 'purchase' END`
    : `'purchase'`;
  replaceGuess(guesses, {
    what: 'columns.type',
    guess: expression,
    why: returns
      ? 'no column tells kinds of events; a negative quantity is a return'
      : 'no column tells kinds of events, so each row is a purchase',
    ...(type && { others: [type.column.name] }),
  });
  const possible = columns.filter(({ name }) => /status|type|action/i.test(name)).map(({ name }) => name);
  return {
    expression,
    why: [
      'view, search, cart, uncart, favorite, purchase, return, review or message.',
      ...(possible.length > 0 ? [`Columns that may tell more: ${possible.join(', ')}.`] : []),
    ],
    where: {},
  };
}

function replaceGuess(guesses: Guess[], guess: Guess): void {
  const at = guesses.findIndex(({ what }) => what === guess.what);
  if (at >= 0) guesses[at] = guess;
  else guesses.push(guess);
}

function numberOf(columns: readonly (Candidate | undefined)[], guesses: Guess[]) {
  const forms = columns.flatMap((one) => (one?.column.number ? [one.column.number] : []));
  const special = forms.filter((form) => Object.keys(form).length > 0);
  if (special.length === 0) return undefined;
  // One setting is for all of a source's numbers: whole numbers fit any of them.
  const marks = [...new Set(special.flatMap((form) => form.marks ?? []))];
  const form = Object.assign({}, ...special, marks.length > 0 ? { marks } : {});
  guesses.push({
    what: 'number',
    guess: inline(form) ?? '',
    why: 'every number of the file is written so',
  });
  return form;
}

/** Orders that were cancelled or went back are left out, where a status says so. */
function statusOf(
  columns: readonly ColumnProfile[],
  taken: ReadonlySet<string>,
  guesses: Guess[],
  why: Record<string, string[]>,
): Record<string, string> {
  for (const { column } of candidatesFor('status', columns, taken)) {
    const off = column.values.filter(({ value }) => isVoidStatus(value));
    if (off.length === 0 || off.length === column.values.length) continue;
    const list = off.map(({ value }) => `'${value.replaceAll("'", "''")}'`).join(', ');
    const condition = `coalesce(${inSql(column)}, '') NOT IN (${list})`;
    const all = column.values.map(({ value }) => value).join(', ');
    guesses.push({ what: 'where.valid', guess: condition, why: `${column.name} says: ${all}` });
    why['where.valid'] = [`${column.name} says: ${all}.`];
    return { valid: condition };
  }
  return {};
}

function keyOf(columns: readonly ColumnProfile[], guesses: Guess[]): string | undefined {
  const [best, ...others] = candidatesFor('id', columns);
  if (!best) return undefined;
  guesses.push({
    what: 'key',
    guess: best.column.name,
    why: best.why,
    ...(others.length > 0 && { others: others.map(({ column }) => column.name) }),
  });
  return best.column.name;
}

function nothingFits(file: string, role: string, columns: readonly ColumnProfile[]): ConfigError {
  const names = columns
    .map(({ name, values }) => `${name} (${values[0]?.value.slice(0, 24) ?? 'empty'})`)
    .join(', ');
  return new ConfigError(
    `${file}: no column can be taken for the ${role} of events. Its columns, and what stands in them: ${names}. ` +
      'Write the config yourself: "nightjar init FOLDER" makes one to start from',
  );
}
