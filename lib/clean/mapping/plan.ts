import type { Config, Source } from '../../config/index.ts';
import { canonicalJson } from '../../data/index.ts';
import { type Sql, timeReadingText } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Column, Records } from '../read/index.ts';
import { NO_ADDRESS } from './addresses.ts';
import { bindAll, typesOf, type Wanted } from './bind.ts';
import { type BoundRule, check, failures, lostDigits, ruleChecks, ruleFlags } from './checks.ts';
import { type Field, fieldOf } from './fields.ts';
import { keyOf } from './identity.ts';
import { type Reading, readingOf } from './reading.ts';
import { ABSENT, type Scope } from './scope.ts';
import { NO_LIST } from './shape-rows.ts';
import {
  type Check,
  type Flag,
  type LeftOut,
  type TableColumns,
  type TablePlan,
  VALUE,
  zipStages,
} from './table.ts';
import { attributeColumns } from './table-attributes.ts';
import { eventColumns } from './table-events.ts';
import { identityColumns, SEVERAL_USERS } from './table-identities.ts';
import { treatmentColumns } from './table-treatments.ts';

/** Plans depend on the config and the columns of a file, not on its rows: 300 equal daily files need one. */
const plans = new Map<string, TablePlan>();
const REMEMBERED = 100;

/**
 * Binds a source's expressions to the columns of a drop.
 * @throws Refusal when the file lacks a column or DuckDB does not understand an expression on it
 */
export async function planFor(
  sql: Sql,
  name: string,
  source: Source,
  records: Records,
  shop: Config['shop'],
): Promise<TablePlan> {
  const { columns, given } = records;
  const reading = readingOf(source, shop, records.rows);
  const key = canonicalJson({ name, source, columns, given, shop, many: reading.many });
  const known = plans.get(key);
  if (known) return known;
  const plan = await makePlan(sql, name, source, records, reading);
  if (plans.size >= REMEMBERED) plans.clear();
  plans.set(key, plan);
  return plan;
}

/** Settings that say which version of which event a row is. */
const VERSION_COLUMNS: ReadonlySet<string> = new Set(['key', 'user', 'time', 'newestBy']);

async function makePlan(
  sql: Sql,
  name: string,
  source: Source,
  records: Records,
  reading: Reading,
): Promise<TablePlan> {
  const scope: Scope = { columns: records.columns, given: records.given, optional: source.optional };
  const bound = await bindAll(sql, expressionsOf(source), scope, timeReadingText(reading.time));
  const types = await typesOf(sql, bound);
  const fields = new Map(
    bound.map((one, i) => [one.path, fieldOf(one, types[i] ?? 'VARCHAR', `x${i}`)] as const),
  );
  const all = [...fields.values()];
  const table = columnsOf(source, fields, reading);
  const keyFields = all.filter(({ path }) => path.startsWith('key.'));
  const keyed = keyOf(name, keyFields, reading.missing);
  const rules = await boundRules(sql, source, table, timeReadingText(reading.time));
  const noList: Check[] = source.unnest
    ? [check('unnest', 'unnest: no list', `${NO_LIST} IS NOT NULL`, `unnest: ${VALUE} is no list`, NO_LIST)]
    : [];
  const used = bound.flatMap(({ columns }) => columns);
  const leftOut = leftOutOf(all);
  const checks = [
    ...noList,
    ...failures(all),
    ...(keyed ? [lostDigits(keyFields[0]!, keyed.lost)] : []),
    ...table.checks,
    ...ruleChecks(rules),
  ];
  const withdraws = source.table === 'events' && keyed !== undefined && leftOut.length > 0;
  return {
    reads: [
      ...new Set(
        used.map(({ slot }) => slot).filter((slot) => slot !== ABSENT && slot !== 'line' && slot !== 'n'),
      ),
      ...(source.unnest ? [NO_LIST] : []),
    ],
    evaluated: all.map(({ evaluated }) => evaluated),
    stages: zipStages([table.stages, keyed?.stages ?? []]),
    leftOut,
    checks,
    flags: ruleFlags(rules, ownFlags(source, fields)),
    outputs: table.outputs,
    order: table.order,
    subject: table.subject,
    ...(keyed && { keyHash: keyed.hash }),
    ...(withdraws && { withdraws: checks.filter(({ column }) => VERSION_COLUMNS.has(column)) }),
    absent: [...new Set(used.filter(({ slot }) => slot === ABSENT).map((column) => column.name))],
    fromKey: namesFromKey(used, records.given),
  };
}

function ownFlags(source: Source, fields: ReadonlyMap<string, Field>): Flag[] {
  if (source.table === 'identities') return [SEVERAL_USERS];
  return fields.has('columns.email') ? [NO_ADDRESS] : [];
}

function columnsOf(source: Source, fields: ReadonlyMap<string, Field>, reading: Reading): TableColumns {
  if (source.table === 'events') return eventColumns(source, fields, reading);
  if (source.table === 'identities') return identityColumns(source, fields, reading);
  if (source.table === 'treatments') return treatmentColumns(source, fields, reading);
  return attributeColumns(source, fields, reading);
}

/**
 * The stages of a plan from records to its last one, as a FROM item. A stage passes on what a later one names, and no more:
 * for a small drop DuckDB takes longer to plan columns than to compute them.
 * @param after SQL of what is done with the last stage
 */
export function staged(relation: string, plan: TablePlan, after: string): string {
  const stages = [plan.evaluated, ...plan.stages].filter((stage) => stage.length > 0);
  const wordsOf = (texts: readonly string[]) => texts.flatMap((text) => text.match(/\w+/g) ?? []);
  const needed = [new Set(wordsOf([after]))];
  for (const stage of stages.toReversed()) needed.unshift(new Set([...needed[0]!, ...wordsOf(stage)]));
  let columns = ['n', 'e', 'line', 'broken', 'h', ...plan.reads].filter((column) => needed[0]!.has(column));
  let from = `(SELECT ${columns.join(', ')} FROM ${relation})`;
  for (const [i, stage] of stages.entries()) {
    const kept = columns.filter((column) => needed[i + 1]!.has(column));
    from = `(SELECT ${[...kept, ...stage].join(', ')} FROM ${from})`;
    columns = [...kept, ...stage.map(nameOf)];
  }
  return from;
}

/** 'expression AS name': name */
const nameOf = (column: string): string => column.slice(column.lastIndexOf(' AS ') + 4);

/** All expressions of a source that are bound to the columns of a file, by their paths. */
export function expressionsOf(source: Source): Wanted[] {
  const wanted: Wanted[] = Object.entries(source.columns).flatMap(([name, expression]) =>
    expression === undefined ? [] : [{ path: `columns.${name}`, expression }],
  );
  if ('attributes' in source) {
    for (const kind of ['numbers', 'categories', 'texts'] as const) {
      for (const [name, expression] of attributeEntries(source.attributes[kind])) {
        wanted.push({ path: `attributes.${kind}.${name}`, expression });
      }
    }
  }
  if (source.table === 'labels' && source.split) {
    wanted.push({ path: 'split.by', expression: source.split.by });
  }
  const version = source.newestBy?.find((term) => term !== 'drop');
  if (version !== undefined) wanted.push({ path: 'newestBy', expression: version });
  for (const [i, expression] of (source.key ?? []).entries()) wanted.push({ path: `key.${i}`, expression });
  for (const [name, expression] of Object.entries(source.where)) {
    wanted.push({ path: `where.${name}`, expression: `(${expression}\n)::BOOLEAN` });
  }
  return wanted;
}

/** A list of names is shorthand for columns of those very names. */
function attributeEntries(set: readonly string[] | Record<string, string> | undefined): [string, string][] {
  if (set === undefined) return [];
  return Array.isArray(set)
    ? set.map((name) => [name, `"${name.replaceAll('"', '""')}"`])
    : Object.entries(set);
}

/** Rows for which a condition of `where` does not hold are left out under its name; where it fails, they are quarantined. */
function leftOutOf(fields: readonly Field[]): LeftOut[] {
  return fields
    .filter(({ path }) => path.startsWith('where.'))
    .map(({ path, value, failed = 'false' }) => ({
      name: path.slice('where.'.length),
      when: `NOT (${failed}) AND ${value} IS NOT TRUE`,
    }));
}

/** The source's rules with their conditions bound to the canonical columns. */
async function boundRules(
  sql: Sql,
  source: Source,
  { canonical }: TableColumns,
  reading: string,
): Promise<BoundRule[]> {
  const scope: Scope = { columns: canonical, given: [], optional: [] };
  const rules: BoundRule[] = [];
  for (const { name, when, action } of source.rules) {
    try {
      const one = { path: `rules.${name}`, expression: `(${when}\n)::BOOLEAN` };
      const [rule] = await bindAll(sql, [one], scope, reading);
      await typesOf(sql, [rule!]);
      rules.push({ name, when, action, sql: rule!.sql });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(
        `rules.${name} is no condition over the canonical columns: ${error.reason}`,
        `change "${when}" in the config`,
        { cause: error },
      );
    }
  }
  return rules;
}

/** Of the given columns those whose values come from the drop's key. */
function namesFromKey(used: readonly Column[], given: readonly Column[]): string[] {
  const rowwise = new Set(['row_number', 'json', 'element', 'element_number']);
  const names = used.filter((column) => given.includes(column) && !rowwise.has(column.name));
  return [...new Set(names.map(({ name }) => name))].sort();
}
