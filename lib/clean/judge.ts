import type { Source } from '../config/index.ts';
import { quoteIdentifier, type Sql } from './engine.ts';
import { recordsWithNumber } from './plan.ts';
import type { Records } from './read.ts';
import type { TablePlan } from './table.ts';
import { BUILT_IN_FLAGS, LATEST } from './table-events.ts';

/** What became of a drop's records. `rows` of the table `mapped` are marked; nothing is removed from it. */
export interface Judgement {
  readonly rowsIn: number;
  readonly quarantined: Readonly<Record<string, number>>;
  readonly quarantinedRows: number;
  readonly duplicatesFound: number;
  readonly duplicatesDropped: number;
  readonly clean: number;
}

/** Mark of a row that was left out because an earlier clean row has its identity. */
const DUPLICATE = 65535;

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
  const subject = { user: '"user"', row: 'nj_row::VARCHAR', none: 'NULL::VARCHAR' }[plan.subject];
  const outputs = plan.outputs.map(({ name, sql: value }) => `${value} AS ${quoteIdentifier(`o_${name}`)}`);
  await sql.run(`
    CREATE OR REPLACE TEMP TABLE mapped AS
    WITH ${judgedStages(recordsWithNumber(records), plan, latest)}
    SELECT nj_row, nj_bad, ${subject} AS nj_subject, nj_twin, ${outputs.join(', ')}
    FROM judged LEFT JOIN (${twins(records, plan, source)}) USING (nj_row)`);
  const counted = await sql.rows(`
    SELECT nj_bad, count(*), count(*) FILTER (WHERE nj_row <> nj_twin) FROM mapped GROUP BY nj_bad ORDER BY nj_bad`);
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
  for (const [code, rows] of counted) {
    if (Number(code) === 0) {
      good = Number(rows);
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
  };
}

/** The quarantined rows: number, setting, reason, text. In the order of the file. */
export function quarantineQuery(records: Records, plan: TablePlan, latest: number): string {
  const bad = `(SELECT * FROM ${recordsWithNumber(records)}
    WHERE nj_row IN (SELECT nj_row FROM mapped WHERE nj_bad BETWEEN 1 AND ${DUPLICATE - 1}))`;
  const columns = records.columns
    .filter(({ name }) => name !== 'json')
    .map(({ name }) => quoteIdentifier(name));
  const row =
    columns.length > 0
      ? `to_json(struct_pack(${columns.map((c) => `${c} := ${c}`).join(', ')}))::VARCHAR`
      : `''`;
  const text = `coalesce(nj_line, ${row}) AS nj_text`;
  const cases = (pick: (index: number) => string) =>
    `CASE nj_bad WHEN 1 THEN ${pick(-1)} ${plan.checks.map((_, i) => `WHEN ${i + 2} THEN ${pick(i)}`).join(' ')} END`;
  return `
    WITH ${judgedStages(bad, plan, latest, [...plan.inputs, text])}
    SELECT nj_row AS "row",
      ${cases((i) => (i < 0 ? `'line'` : `'${plan.checks[i]?.column}'`))} AS "column",
      ${cases((i) => (i < 0 ? 'nj_broken' : (plan.checks[i]?.reason ?? 'NULL')))} AS "reason",
      nj_text AS "text"
    FROM judged ORDER BY nj_row`;
}

/** The stages from records to judged rows, as common table expressions that end in `judged`. */
export function judgedStages(
  records: string,
  plan: TablePlan,
  latest: number,
  extra: readonly string[] = [],
): string {
  const evaluated = ['nj_row', 'nj_broken', ...plan.evaluated, ...extra];
  const checks = plan.checks.map(
    ({ when }, index) => `WHEN ${when.replaceAll(LATEST, String(latest))} THEN ${index + 2}`,
  );
  const bits = plan.flags.map(
    ({ when }, index) =>
      `CASE WHEN TRY((${when}\n)::BOOLEAN) THEN ${1 << (index + BUILT_IN_FLAGS.length)} ELSE 0 END`,
  );
  return `
    evaluated AS (SELECT ${evaluated.join(', ')} FROM ${records}),
    canonical AS (SELECT *, ${plan.canonical.join(', ')} FROM evaluated),
    judged AS (
      SELECT *, (CASE WHEN nj_broken IS NOT NULL THEN 1 ${checks.join(' ')} ELSE 0 END)::USMALLINT AS nj_bad,
        (${['0', ...bits].join(' | ')})::USMALLINT AS nj_flags
      FROM canonical)`;
}

/**
 * Rows that share their identity with others, each with the first of them. Equal hashes only nominate: the columns decide.
 */
function twins(records: Records, plan: TablePlan, source: Source): string {
  const columns = plan.identity.map(quoteIdentifier);
  if (columns.length === 0) return 'SELECT 0 AS nj_row, 0 AS nj_twin WHERE false';
  const list = columns.join(', ');
  // A row without any of its key values has no identity.
  const known = source.key
    ? ` AND coalesce(${columns.map((c) => `${c}::VARCHAR`).join(', ')}) IS NOT NULL`
    : '';
  const from = `FROM ${records.relation} WHERE nj_broken IS NULL${known}`;
  return `
    SELECT nj_row, min(nj_row) OVER (PARTITION BY ${list}) AS nj_twin ${from}
    AND hash(${list}) IN (SELECT hash(${list}) ${from} GROUP BY 1 HAVING count(*) > 1)`;
}

function kindOf(plan: TablePlan, code: number): string {
  return code === 1 ? 'broken line' : (plan.checks[code - 2]?.kind ?? 'unknown');
}
