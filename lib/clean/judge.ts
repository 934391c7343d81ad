import type { Source } from '../config/index.ts';
import { quoteIdentifier, type Sql } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import {
  BUILT_IN_FLAGS,
  type Check,
  LATEST,
  NO_TEXT,
  newestFirst,
  staged,
  type TablePlan,
  VALUE,
  withoutAddresses,
} from './mapping/index.ts';
import type { Records } from './read/index.ts';

/** What became of a drop's rows. Rows of the table `mapped` are marked; nothing is removed from it. */
export interface Judgement {
  readonly rowsIn: number;
  readonly quarantined: Readonly<Record<string, number>>;
  readonly quarantinedRows: number;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly duplicatesFound: number;
  readonly duplicatesDropped: number;
  readonly clean: number;
  /** Median of the positive amounts among clean rows and their duplicates, where there are enough of them. */
  readonly medianAmount?: number;
}

/** Mark of a row that was left out because an earlier clean row has its identity. */
const DUPLICATE = 65535;
const BROKEN = 1;
const FIRST_CONDITION = 2;
/** A median of fewer amounts says little. */
const MEDIAN_FROM_ROWS = 100;

/**
 * Evaluates a plan over the records into the temp table `mapped`: `n` and `e` (record and row within it), `bad` (0 clean, 1
 * broken line, then the plan's conditions and its checks), `subject`, the plan's outputs, and where the plan has it
 * `withdraws` (a row that is left out and is the version of an event).
 * @param latest the last possible time of a row, ms
 * @throws Refusal when a row was lost or doubled on the way
 */
export async function judge(
  sql: Sql,
  records: Records,
  plan: TablePlan,
  source: Source,
  latest: number,
): Promise<Judgement> {
  const subject = { user: 'v_user', row: 'n::VARCHAR', none: 'NULL::VARCHAR' }[plan.subject];
  const outputs = plan.outputs.flatMap(({ name, sql: value }) =>
    value === NO_TEXT ? [] : [`${value} AS ${quoteIdentifier(`o_${name}`)}`],
  );
  const values = plan.checks.flatMap(({ value }, i) =>
    value === undefined ? [] : `WHEN ${firstCheck(plan) + i} THEN (${value})::VARCHAR`,
  );
  const judged = `
    SELECT n, e, bad, ${subject} AS subject, ${plan.keyHash ?? 'h'} AS same, ${outputs.join(', ')},
      ${withdrawsOf(plan, latest)}
      ${withoutAddresses(source, `CASE bad WHEN ${BROKEN} THEN broken ${values.join(' ')} END`)} AS about`;
  const verdict = verdictOf(plan, latest);
  const rows = staged(records.relation, plan, `${judged} ${verdict}`);
  await sql.run(`CREATE OR REPLACE TEMP TABLE mapped AS ${judged} FROM (SELECT *, ${verdict} FROM ${rows})`);
  const twins = await findTwins(sql, records, plan, source);
  const priced = plan.outputs.some(({ name }) => name === 'amount');
  const amounts = priced
    ? ', count(*) FILTER (WHERE o_amount > 0), median(o_amount) FILTER (WHERE o_amount > 0)'
    : '';
  const counted = await sql.rows(`SELECT bad, count(*)${amounts} FROM mapped GROUP BY bad ORDER BY bad`);
  const dropped = twins > 0 && source.duplicates !== 'keep' ? await dropTwins(sql, plan) : 0;
  const quarantined: Record<string, number> = {};
  const leftOut: Record<string, number> = Object.fromEntries(plan.leftOut.map(({ name }) => [name, 0]));
  let quarantinedRows = 0;
  let good = 0;
  let median: number | undefined;
  for (const [code, count, amountRows, medianAmount] of counted) {
    const rows = Number(count);
    const { condition, kind } = meaningOf(plan, Number(code));
    if (condition !== undefined) leftOut[condition] = (leftOut[condition] ?? 0) + rows;
    else if (kind !== undefined) {
      quarantined[kind] = (quarantined[kind] ?? 0) + rows;
      quarantinedRows += rows;
    } else {
      good = rows;
      if (Number(amountRows) >= MEDIAN_FROM_ROWS) median = Number(medianAmount);
    }
  }
  const judgement = {
    rowsIn: records.rows,
    quarantined,
    quarantinedRows,
    leftOut,
    duplicatesFound: twins,
    duplicatesDropped: dropped,
    clean: good - dropped,
    ...(median !== undefined && { medianAmount: median }),
  };
  await proveConserved(sql, records, judgement);
  return judgement;
}

/** What the quarantine says of a verdict. */
export interface Rejection {
  readonly column: string;
  /** With `$` where the value stands that it is about, in quotes unless it is `plain`. */
  readonly reason: string;
  readonly plain: boolean;
}

/** The rejected rows in the order of the file: `n`, `bad`, `about` (the value of the reason) and `row_text`. */
export function rejectedRows(records: Records, plan: TablePlan, source: Source): string {
  const rejected = `SELECT n, e, bad, about FROM mapped WHERE ${isRejected(plan)}`;
  const rows = `SELECT * FROM ${records.relation} WHERE (n, e) IN (SELECT (n, e) FROM (${rejected}))`;
  return `SELECT n, bad, about, row_text FROM (${rejected})
    JOIN (SELECT n, e, ${withoutAddresses(source, records.text)} AS row_text FROM (${rows})) USING (n, e) ORDER BY n, e`;
}

/** What a verdict of `rejectedRows` means. */
export function rejectionOf(plan: TablePlan, bad: number): Rejection {
  if (bad === BROKEN) return { column: 'line', reason: VALUE, plain: true };
  const found = plan.checks[bad - firstCheck(plan)];
  return {
    column: found?.column ?? 'unknown',
    reason: found?.reason ?? 'unknown',
    plain: found?.plain ?? false,
  };
}

/** Condition: the row goes to the quarantine. */
function isRejected(plan: TablePlan): string {
  return `(bad = ${BROKEN} OR bad BETWEEN ${firstCheck(plan)} AND ${DUPLICATE - 1})`;
}

/** Columns of the last stage: the flags of rules (`flags`) and the verdict (`bad`). */
function verdictOf(plan: TablePlan, latest: number): string {
  const conditions = plan.leftOut.map(({ when }, i) => `WHEN ${when} THEN ${FIRST_CONDITION + i}`);
  const checks = plan.checks.map((one, i) => `WHEN ${failing(one, latest)} THEN ${firstCheck(plan) + i}`);
  const bits = plan.flags.map(
    ({ when }, i) => `CASE WHEN TRY(${when}) THEN ${1 << (i + BUILT_IN_FLAGS.length)} ELSE 0 END`,
  );
  return `(${['0', ...bits].join(' | ')})::USMALLINT AS flags,
      (CASE WHEN broken IS NOT NULL THEN ${BROKEN} ${[...conditions, ...checks].join(' ')} ELSE 0 END)::USMALLINT AS bad`;
}

/** The column `withdraws`, of rows with a verdict; nothing where no row can do so. */
function withdrawsOf(plan: TablePlan, latest: number): string {
  if (!plan.withdraws || plan.keyHash === undefined) return '';
  const failed = plan.withdraws.map((one) => `WHEN ${failing(one, latest)} THEN false`);
  return `CASE WHEN bad BETWEEN ${FIRST_CONDITION} AND ${firstCheck(plan) - 1}
      THEN CASE ${failed.join(' ')} ELSE ${plan.keyHash} IS NOT NULL END ELSE false END AS withdraws,`;
}

const failing = ({ when }: Check, latest: number): string => when.replaceAll(LATEST, String(latest));

const firstCheck = (plan: TablePlan): number => FIRST_CONDITION + plan.leftOut.length;

/** The kind of a verdict that quarantines a row; undefined for any other. */
export const kindOf = (plan: TablePlan, bad: number): string | undefined =>
  bad === DUPLICATE ? undefined : meaningOf(plan, bad).kind;

/** What a verdict means: the name of a condition that left the row out, the kind of a check, neither for a clean row. */
function meaningOf(plan: TablePlan, code: number): { condition?: string | undefined; kind?: string } {
  if (code === 0) return {};
  if (code === BROKEN) return { kind: 'broken line' };
  if (code < firstCheck(plan)) return { condition: plan.leftOut[code - FIRST_CONDITION]?.name };
  return { kind: plan.checks[code - firstCheck(plan)]?.kind ?? 'unknown' };
}

/**
 * Writes the rows that share their identity with others to `twins`, with what they share; not where all of them are kept.
 * Where no key is named equal hashes only nominate; the whole content of the rows decides.
 * @returns how many rows equal an earlier one
 */
async function findTwins(sql: Sql, records: Records, plan: TablePlan, source: Source): Promise<number> {
  const element = plan.keyHash === undefined ? ', e' : '';
  const shared = (values: string) => `SELECT ${values} FROM mapped WHERE bad <> ${BROKEN} AND same IS NOT NULL
    GROUP BY same${element} HAVING count(*) > 1`;
  // Of rows that are all kept only the number is told: for that, rows of one 64-bit hash are equal.
  if (source.duplicates === 'keep') {
    const [[twins] = []] = await sql.rows(`SELECT sum(own - 1) FROM (${shared('count(*) AS own')})`);
    return Number(twins ?? 0);
  }
  const same = shared('same');
  if ((await sql.rows(`${same} LIMIT 1`)).length === 0) return 0;
  await sql.run(
    plan.keyHash === undefined
      ? `CREATE OR REPLACE TEMP TABLE twins AS
        SELECT n, e, md5(${records.content}) AS same FROM ${records.relation}
        WHERE broken IS NULL AND h IN (${same})`
      : `CREATE OR REPLACE TEMP TABLE twins AS
        SELECT n, e, same FROM mapped WHERE bad <> ${BROKEN} AND same IN (${same})`,
  );
  const [[rows, groups] = []] = await sql.rows('SELECT count(*), count(DISTINCT same) FROM twins');
  return Number(rows) - Number(groups);
}

/**
 * Marks the clean rows behind the first clean one of their identity, or the newest; where a row that is left out is newer, all
 * of them. @returns how many
 */
async function dropTwins(sql: Sql, plan: TablePlan): Promise<number> {
  const newest = newestFirst(plan);
  // Where nothing says which of two rows is the newer one, the file does not take back what it tells.
  const withdraws = newest !== '' && plan.withdraws ? 'withdraws' : 'false';
  const result = await sql.run(`
    UPDATE mapped SET bad = ${DUPLICATE} WHERE (n, e) IN (
      SELECT (n, e) FROM (
        SELECT n, e, row_number() OVER (PARTITION BY twins.same ORDER BY ${newest}${withdraws}, n, e) AS nth, bad
        FROM mapped JOIN twins USING (n, e) WHERE bad = 0 OR ${withdraws})
      WHERE nth > 1 AND bad = 0)`);
  return result.rowsChanged;
}

/** Every record of the file stands in `mapped`, none twice, and every row was counted once. */
async function proveConserved(sql: Sql, records: Records, judgement: Judgement): Promise<void> {
  const { clean, duplicatesDropped, quarantinedRows, leftOut } = judgement;
  const accounted =
    clean + duplicatesDropped + quarantinedRows + Object.values(leftOut).reduce((sum, rows) => sum + rows, 0);
  const [[rows, distinct] = []] = await sql.rows(
    records.records === 0
      ? 'SELECT count(*), 0 FROM mapped'
      : `SELECT count(*), bit_count(bitstring_agg(n, 0, ${records.records - 1})) FROM mapped`,
  );
  if (Number(rows) === records.rows && Number(distinct) === records.records && accounted === records.rows)
    return;
  throw new Refusal(
    `${records.records} records came in as ${records.rows} rows; ${distinct} records in ${rows} rows were judged, and ${accounted} rows are accounted for`,
    'this is a fault of Nightjar, not of the file: report it; nothing of the file was used',
  );
}
