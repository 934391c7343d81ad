import { duckDbMessage, refusalOr, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Column } from '../read/index.ts';
import { type Json, type Node, parseAll, printAll } from './ast.ts';
import { forbiddenNames } from './forbidden.ts';
import { NameResolver } from './resolve.ts';
import { columnOf, loose, type Scope } from './scope.ts';
import { withOwnTimes } from './time-casts.ts';

/** An expression of the config. */
export interface Wanted {
  /** 'columns.time', 'attributes.numbers.age': where the config says it. */
  readonly path: string;
  readonly expression: string;
}

/** An expression as it may stand over the columns of a drop. */
export interface Bound extends Wanted {
  readonly sql: string;
  /** The columns it reads. */
  readonly columns: readonly Column[];
  /** It is a column and nothing else. */
  readonly direct: boolean;
  /** Of a path into JSON: the condition that a JSON number stands there, not a text. */
  readonly jsonNumber?: string | undefined;
}

/**
 * Binds expressions to the columns of a drop: names become the columns' own slots, so that no name of a file can mean
 * anything of ours, and times are read by the zones that Node knows.
 * @param reading how times are read, see `timeReadingText`
 * @throws Refusal that names the expression: a column it needs is missing, or DuckDB does not understand it
 */
export async function bindAll(
  sql: Sql,
  wanted: readonly Wanted[],
  scope: Scope,
  reading: string,
): Promise<Bound[]> {
  const plain = wanted.map((one) => wholeColumn(one, scope));
  const parsed = await parseAll(
    sql,
    wanted.flatMap(({ expression }, i) => (plain[i] ? [] : [expression])),
  );
  const forbidden = await forbiddenNames(sql);
  const trees: { one: Wanted; tree: Node; columns: Column[]; isPath: boolean }[] = [];
  for (const one of wanted) {
    if (plain[wanted.indexOf(one)]) continue;
    const tree = parsed[trees.length]!;
    if ('error' in tree) throw notUnderstood(one, String(tree.error));
    const resolver = new NameResolver(labelOf(one.path), one.expression, scope, forbidden);
    const resolved = asNode(resolver.resolve(tree));
    const isPath = tree.class === 'COLUMN_REF' && resolved.class === 'FUNCTION';
    trees.push({ one, tree: resolved, columns: resolver.columns, isPath });
  }
  const timed = await withOwnTimes(sql, trees, reading);
  const texts = await printed(
    sql,
    trees.map(({ one }) => one),
    timed,
  );
  let next = 0;
  return wanted.map((one, i): Bound => {
    const column = plain[i];
    if (column) return { ...one, sql: column.slot, columns: [column], direct: true };
    const { columns, isPath } = trees[next]!;
    const text = texts[next++]!;
    const jsonNumber = `TRY(${text.replace('json_extract_string(', 'json_type(')}) IN (${JSON_NUMBERS})`;
    return { ...one, sql: `(${text})`, columns, direct: false, ...(isPath && { jsonNumber }) };
  });
}

/**
 * The types that bound expressions give.
 * @throws Refusal that names the first expression which DuckDB does not take over these columns
 */
export async function typesOf(sql: Sql, bound: readonly Bound[]): Promise<string[]> {
  const select = (items: readonly Bound[]) => {
    const slots = new Map(
      items.flatMap(({ columns }) => columns).map((column) => [column.slot, column] as const),
    );
    const names = [...slots.values()]
      .filter(({ slot }) => /^\w+$/.test(slot))
      .map(({ slot, type }) => `NULL::${type} AS ${slot}`);
    const list = items.map((item, i) => `TRY(${item.sql}) AS t${i}`);
    return `SELECT ${list.join(', ')} FROM (SELECT ${['0 AS none', ...names].join(', ')})`;
  };
  if (bound.length === 0) return [];
  try {
    return (await sql.describe(select(bound))).map(({ type }) => type);
  } catch (error) {
    for (const one of bound) {
      try {
        await sql.describe(select([one]));
      } catch (cause) {
        throw notUnderstood(one, duckDbMessage(cause), cause);
      }
    }
    throw refusalOr(error, 'the mapping does not fit the file', 'try it with "nightjar check"');
  }
}

/** A text that is a column's name and nothing else, which may hold blanks: Customer ID, "Customer ID", coupon? */
function wholeColumn({ path: setting, expression }: Wanted, scope: Scope): Column | undefined {
  const path = labelOf(setting);
  const text = expression.trim();
  const quoted = /^"((?:[^"]|"")+)"$/.exec(text)?.[1]?.replaceAll('""', '"');
  const mayLack = quoted === undefined && text.endsWith('?');
  const name = quoted ?? (mayLack ? text.slice(0, -1) : text);
  if (mayLack) return columnOf({ ...scope, optional: [name] }, name, false, path);
  const known = [...scope.columns, ...scope.given].some((column) => loose(column.name) === loose(name));
  return known ? columnOf(scope, name, quoted !== undefined, path) : undefined;
}

async function printed(sql: Sql, wanted: readonly Wanted[], trees: readonly Node[]): Promise<string[]> {
  try {
    return await printAll(sql, trees);
  } catch (error) {
    for (const [i, tree] of trees.entries()) {
      try {
        await printAll(sql, [tree]);
      } catch (cause) {
        throw notUnderstood(wanted[i]!, duckDbMessage(cause), cause);
      }
    }
    throw error;
  }
}

/** What `json_type` calls numbers. */
const JSON_NUMBERS = `'DOUBLE', 'BIGINT', 'UBIGINT'`;

/** A key is a list: its entries go by its name. */
const labelOf = (path: string) => path.replace(/^key\.\d+$/, 'key');

function notUnderstood({ path, expression }: Wanted, why: string, cause?: unknown): unknown {
  const missing = /Referenced column "([^"]+)" not found/.exec(why)?.[1];
  const what = `${labelOf(path)} is no expression that DuckDB understands on this file: ${expression}`;
  const hint =
    missing === undefined
      ? 'change the expression in the config; every column of csv and jsonl is text'
      : `there is no column "${missing}"`;
  const refusal = new Refusal(`${what}: ${why}`, hint, { cause });
  return cause === undefined ? refusal : refusalOr(cause, what, hint);
}

function asNode(value: Json): Node {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Refusal('an expression is no expression', 'change it in the config');
}
