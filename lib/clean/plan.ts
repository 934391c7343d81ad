import type { Source } from '../config/index.ts';
import { canonicalJson } from '../data/index.ts';
import { duckDbMessage, quoteIdentifier, refusalOr, type Sql } from './engine.ts';
import { Refusal } from './errors.ts';
import { bindExpression, bindField, type Field, SOURCE_ROW } from './expressions.ts';
import { missingColumn } from './header.ts';
import type { NamedSource } from './keys.ts';
import type { Column, Records } from './read.ts';
import type { TablePlan } from './table.ts';
import { planAttributes } from './table-attributes.ts';
import { planEvents } from './table-events.ts';

/** Plans depend on the config and the columns of a file, not on its rows: 300 equal daily files need one. */
const plans = new Map<string, TablePlan>();
const REMEMBERED = 100;

/**
 * Binds a source's expressions to the columns of a drop.
 * @throws Refusal when the file lacks a column or DuckDB does not understand an expression on it
 */
export async function planFor(
  sql: Sql,
  { name, source }: NamedSource,
  records: Records,
  shopZone: string,
): Promise<TablePlan> {
  const key = canonicalJson({ name, source, columns: records.columns, shopZone });
  const known = plans.get(key);
  if (known) return known;
  const columns = [...records.columns, ...rowNumberColumn(records.columns)];
  const wanted = expressionsOf(source);
  const types = await typesOf(sql, wanted, columns);
  const fields = new Map<string, Field>();
  wanted.forEach(({ path, expression }, index) => {
    fields.set(
      path,
      bindField(path, expression, types[index] ?? 'VARCHAR', columns, `nj_x${index}`, records.columns),
    );
  });
  const zone = source.timeZone ?? shopZone;
  const plan =
    source.table === 'events'
      ? planEvents(source, fields, { sourceName: name, zone, shopZone })
      : planAttributes(source, fields, zone);
  await proveRules(sql, source, staged(records, plan));
  if (plans.size >= REMEMBERED) plans.clear();
  plans.set(key, plan);
  return plan;
}

/** `row_number` is at hand in expressions unless the file has a column of that name. */
export function rowNumberColumn(columns: readonly Column[]): Column[] {
  return columns.some(({ name }) => name.toLowerCase() === 'row_number')
    ? []
    : [{ name: 'row_number', type: 'BIGINT' }];
}

/** The records as expressions see them. */
export function recordsWithNumber(records: Records): string {
  const number = rowNumberColumn(records.columns).map(() => 'nj_row AS row_number, ');
  return `(SELECT ${number.join('')}* FROM ${records.relation})`;
}

/** The stages of a plan from records to its last one, `judged` aside, as a FROM item. */
export function staged(records: Records, plan: TablePlan): string {
  const columns = records.columns.map(({ name }) => quoteIdentifier(name));
  const source = `struct_pack(${columns.map((column) => `${column} := ${column}`).join(', ')}) AS ${SOURCE_ROW}`;
  const evaluated = `(SELECT ${['nj_row', 'nj_line', 'nj_broken', source, ...plan.evaluated].join(', ')}
    FROM ${recordsWithNumber(records)})`;
  return plan.stages
    .filter((stage) => stage.length > 0)
    .reduce((from, stage) => `(SELECT *, ${stage.join(', ')} FROM ${from})`, evaluated);
}

interface Wanted {
  /** 'columns.time', 'attributes.numbers.age': where the config says it. */
  readonly path: string;
  readonly expression: string;
}

function expressionsOf(source: Source): Wanted[] {
  const wanted: Wanted[] = Object.entries(source.columns).flatMap(([name, expression]) =>
    expression === undefined ? [] : [{ path: `columns.${name}`, expression }],
  );
  if (source.table === 'events') {
    const version = source.newestBy?.find((term) => term !== 'drop');
    return version === undefined ? wanted : [...wanted, { path: 'newestBy', expression: version }];
  }
  for (const kind of ['numbers', 'categories', 'texts'] as const) {
    for (const [name, expression] of attributeEntries(source.attributes[kind])) {
      wanted.push({ path: `attributes.${kind}.${name}`, expression });
    }
  }
  return wanted;
}

/** A list of names is shorthand for columns of those very names. */
function attributeEntries(set: readonly string[] | Record<string, string> | undefined): [string, string][] {
  if (set === undefined) return [];
  return Array.isArray(set) ? set.map((name) => [name, name]) : Object.entries(set);
}

async function typesOf(sql: Sql, wanted: readonly Wanted[], columns: readonly Column[]): Promise<string[]> {
  const select = (items: readonly Wanted[]) => {
    const list = items.map(
      ({ expression }, i) => `TRY(${bindExpression(expression, columns).sql}) AS nj_t${i}`,
    );
    const names = columns.map(({ name, type }) => `NULL::${type} AS ${quoteIdentifier(name)}`);
    return `SELECT ${list.join(', ')} FROM (SELECT ${names.join(', ')})`;
  };
  try {
    return (await sql.describe(select(wanted))).map(({ type }) => type);
  } catch (error) {
    for (const one of wanted) {
      try {
        await sql.describe(select([one]));
      } catch (cause) {
        throw fault(one, cause, columns);
      }
    }
    throw refusalOr(error, 'the mapping does not fit the file', 'try it with "nightjar check"');
  }
}

function fault({ path, expression }: Wanted, cause: unknown, columns: readonly Column[]): unknown {
  const message = duckDbMessage(cause);
  const missing = /Referenced column "([^"]+)" not found/.exec(message)?.[1];
  if (missing !== undefined) {
    const own = columns.map(({ name }) => name).filter((name) => name !== 'row_number');
    return missingColumn(missing, path, own);
  }
  return refusalOr(
    cause,
    `${path} is no expression that DuckDB understands on this file: ${expression}`,
    'change the expression in the config; every column of csv and jsonl is text',
  );
}

async function proveRules(sql: Sql, source: Source, canonical: string): Promise<void> {
  for (const rule of source.rules) {
    try {
      await sql.describe(`SELECT (${rule.when}\n)::BOOLEAN FROM ${canonical}`);
    } catch (error) {
      throw new Refusal(
        `rules.${rule.name} is no condition over the canonical columns: ${duckDbMessage(error)}`,
        `change "${rule.when}" in the config`,
        { cause: error },
      );
    }
  }
}
