import type { Source } from '../config/index.ts';
import { quoteIdentifier, quoteText, type Sql } from './engine.ts';
import { SOURCE_ROW } from './expressions.ts';
import { staged } from './plan.ts';
import type { Records } from './read.ts';
import type { TablePlan } from './table.ts';
import { withoutAddresses } from './table-attributes.ts';
import { BUILT_IN_FLAGS, LATEST } from './table-events.ts';

/** What became of a drop's records. `rows` of the table `mapped` are marked; nothing is removed from it. */
export interface Judgement {
  readonly rowsIn: number;
  readonly quarantined: Readonly<Record<string, number>>;
  readonly quarantinedRows: number;
  readonly duplicatesFound: number;
  readonly duplicatesDropped: number;
  readonly clean: number;
  /** Median of the positive amounts among clean rows and their duplicates, where there are enough of them. */
  readonly medianAmount?: number;
}

/** Mark of a row that was left out because an earlier clean row has its identity. */
const DUPLICATE = 65535;
const BROKEN = 1;
const FIRST_CHECK = 2;
/** A median of fewer amounts says little. */
const MEDIAN_FROM_ROWS = 100;

/**
 * Evaluates a plan over the records into the temp table `mapped`: `nj_row`, `nj_bad` (0 clean, 1 broken line, 2 and up the
 * plan's checks), `nj_subject`, and the plan's outputs.
 * @param latest the last possible time of an event, ms
 */
export async function judge(
  sql: Sql,
  records: Records,
  plan: TablePlan,
  source: Source,
  latest: number,
): Promise<Judgement> {
  const twins = await findTwins(sql, records);
  // An address is written nowhere but in the drop.
  const kept = (text: string) =>
    source.table === 'users' && source.columns.email !== undefined ? withoutAddresses(text) : text;
  const subject = { user: '"user"', row: 'nj_row::VARCHAR', none: 'NULL::VARCHAR' }[plan.subject];
  const outputs = plan.outputs.map(({ name, sql: value }) => `${value} AS ${quoteIdentifier(`o_${name}`)}`);
  const reasons = plan.checks.map(({ reason }, index) => `WHEN ${index + FIRST_CHECK} THEN ${reason}`);
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE mapped AS
    SELECT nj_row, nj_bad, ${subject} AS nj_subject, ${outputs.join(', ')},
      ${kept(`CASE nj_bad WHEN ${BROKEN} THEN nj_broken ${reasons.join(' ')} END`)} AS nj_reason,
      ${kept(`CASE WHEN nj_bad > 0 THEN coalesce(nj_line, to_json(${SOURCE_ROW})::VARCHAR) END`)} AS nj_text,
      ${twins ? 'nj_twin' : 'NULL::BIGINT AS nj_twin'}
    FROM ${judgedStage(records, plan, latest)} ${twins ? 'LEFT JOIN nj_twins USING (nj_row)' : ''}`);
  const priced = plan.outputs.some(({ name }) => name === 'amount');
  const amounts = priced
    ? ', count(*) FILTER (WHERE o_amount > 0), median(o_amount) FILTER (WHERE o_amount > 0)'
    : '';
  const counted = await sql.rows(`
    SELECT nj_bad, count(*), count(*) FILTER (WHERE nj_row <> nj_twin)${amounts}
    FROM mapped GROUP BY nj_bad ORDER BY nj_bad`);
  const found = counted.reduce((sum, [, , twin]) => sum + Number(twin), 0);
  let dropped = 0;
  if (found > 0 && source.duplicates === 'drop') {
    dropped = (
      await sql.run(`
        UPDATE mapped SET nj_bad = ${DUPLICATE} WHERE nj_row IN (
          SELECT nj_row FROM (
            SELECT nj_row, row_number() OVER (PARTITION BY nj_twin ORDER BY nj_row) AS nj_nth
            FROM mapped WHERE nj_bad = 0 AND nj_twin IS NOT NULL)
          WHERE nj_nth > 1)`)
    ).rowsChanged;
  }
  const quarantined: Record<string, number> = {};
  let quarantinedRows = 0;
  let good = 0;
  let median: number | undefined;
  for (const [code, rows, , amountRows, medianAmount] of counted) {
    if (Number(code) === 0) {
      good = Number(rows);
      if (Number(amountRows) >= MEDIAN_FROM_ROWS) median = Number(medianAmount);
      continue;
    }
    const kind = kindOf(plan, Number(code));
    quarantined[kind] = (quarantined[kind] ?? 0) + Number(rows);
    quarantinedRows += Number(rows);
  }
  return {
    rowsIn: records.count,
    quarantined,
    quarantinedRows,
    duplicatesFound: found,
    duplicatesDropped: dropped,
    clean: good - dropped,
    ...(median !== undefined && { medianAmount: median }),
  };
}

/** The quarantined rows of `mapped`, in the order of the file: row, column, reason, text. */
export function quarantineQuery(plan: TablePlan): string {
  const columns = plan.checks.map(
    ({ column }, index) => `WHEN ${index + FIRST_CHECK} THEN ${quoteText(column)}`,
  );
  return `
    SELECT nj_row AS "row", CASE nj_bad WHEN ${BROKEN} THEN 'line' ${columns.join(' ')} END AS "column",
      nj_reason AS "reason", nj_text AS "text"
    FROM mapped WHERE nj_bad BETWEEN ${BROKEN} AND ${DUPLICATE - 1} ORDER BY nj_row`;
}

/** All stages up to the verdict (`nj_bad`) and the flags of rules (`nj_flags`), as a FROM item. */
export function judgedStage(records: Records, plan: TablePlan, latest: number): string {
  const checks = plan.checks.map(
    ({ when }, index) => `WHEN ${when.replaceAll(LATEST, String(latest))} THEN ${index + FIRST_CHECK}`,
  );
  const bits = plan.flags.map(
    ({ when }, index) =>
      `CASE WHEN TRY((${when}\n)::BOOLEAN) THEN ${1 << (index + BUILT_IN_FLAGS.length)} ELSE 0 END`,
  );
  return `(SELECT *,
      (CASE WHEN nj_broken IS NOT NULL THEN ${BROKEN} ${checks.join(' ')} ELSE 0 END)::USMALLINT AS nj_bad,
      (${['0', ...bits].join(' | ')})::USMALLINT AS nj_flags
    FROM ${staged(records, plan)})`;
}

/**
 * Writes the rows that share their identity with others to `nj_twins`, each with the first of them. Equal hashes only
 * nominate; the columns decide.
 * @returns whether there are any
 */
async function findTwins(sql: Sql, records: Records): Promise<boolean> {
  const { identity, relation } = records;
  if (identity.length === 0) return false;
  const candidates = 'SELECT nj_hash FROM raw GROUP BY nj_hash HAVING count(*) > 1';
  if ((await sql.rows(`${candidates} LIMIT 1`)).length === 0) return false;
  const columns = identity.map(quoteIdentifier);
  // A row without any of its key values has no identity.
  const known = records.keyed
    ? ` AND coalesce(${columns.map((c) => `${c}::VARCHAR`).join(', ')}) IS NOT NULL`
    : '';
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE nj_twins AS
    SELECT nj_row, min(nj_row) OVER (PARTITION BY ${columns.join(', ')}) AS nj_twin
    FROM ${relation} WHERE nj_broken IS NULL${known} AND nj_hash IN (${candidates})`);
  return true;
}

function kindOf(plan: TablePlan, code: number): string {
  return code === BROKEN ? 'broken line' : (plan.checks[code - FIRST_CHECK]?.kind ?? 'unknown');
}
