import { batchCount, encodeArrow, type Pseudonyms, streamArrow } from '../data/index.ts';
import {
  arrowField,
  type CellColumn,
  type Cells,
  cutBatches,
  quoteIdentifier,
  readCells,
  type Sql,
} from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import type { Judgement } from './judge.ts';
import { BUILT_IN_FLAGS, NO_TEXT, type TablePlan } from './mapping/index.ts';
import { RANKED, type Subjects, textsOf } from './subjects.ts';

/** The clean table of a drop as an Arrow file, and what its rows say. */
export interface Assembled {
  /** In pieces where it is too large to stand in memory. */
  readonly arrow: Uint8Array | AsyncIterable<Uint8Array>;
  readonly users: number;
  readonly minDay: number | null;
  readonly maxDay: number | null;
  readonly flagged: Readonly<Record<string, number>>;
}

/** An amount is absurd beyond this many times the drop's median positive amount, where that is known. */
const ABSURD_TIMES = 1000;
/** More events of a user on one day than a person makes. */
const BUSY_DAY = 2000;

/**
 * Sorts the clean rows of `mapped` by hash, user and content and encodes them, one record batch per range of hashes.
 * Equal content gives equal bytes, whatever the order of the file.
 * @param subjects of `mapped`, from `loadSubjects`
 * @param pseudonyms for ids of users beside the subject
 */
export async function assemble(
  sql: Sql,
  plan: TablePlan,
  judgement: Judgement,
  shards: number,
  subjects: Subjects,
  pseudonyms: Pseudonyms,
): Promise<Assembled> {
  const rows = judgement.clean;
  const flags = builtInFlags(plan, judgement, subjects);
  const stored = plan.outputs.filter(({ sql: value }) => value !== NO_TEXT);
  const select = stored.map(({ name }) => {
    const column = quoteIdentifier(`o_${name}`);
    return name === 'flags' ? `(${[column, ...flags].join(' | ')})::USMALLINT AS ${column}` : column;
  });
  const sortedBy = plan.order.filter((name) => stored.some((output) => output.name === name));
  const order = ['rank', ...sortedBy.map((name) => quoteIdentifier(`o_${name}`))];
  const from =
    plan.subject === 'none' ? '(SELECT *, 0 AS rank FROM mapped)' : `mapped JOIN ${RANKED} USING (subject)`;
  const [[sorted] = []] = await sql.rows(`CREATE OR REPLACE TEMP TABLE sorted AS
    SELECT n, e, rank, ${select.join(', ')} FROM ${from} WHERE bad = 0 ORDER BY ${order.join(', ')}`);
  if (Number(sorted) !== rows) {
    throw new Refusal(
      `${rows} rows are clean and ${sorted} of them found their user`,
      'this is a fault of Nightjar, not of the file: report it; nothing of the file was used',
    );
  }
  const columns: CellColumn[] = stored.map((out) => ({ ...out, name: `o_${out.name}` }));
  const whole = rows <= ROWS_IN_MEMORY;
  const told = columns.filter(({ name }) => name === 'o_day' || name === 'o_flags');
  const cells = await readCells(sql, 'sorted', { from: 0, to: rows }, [RANK, ...(whole ? columns : told)]);
  const ranks = cells.get(RANK.name)?.values ?? new Int32Array();
  const cuts = plan.subject === 'none' ? [0, rows] : cutsOf(ranks, subjects, batchCount(rows, shards));
  const fields = [
    ...subjectFields(plan).map((column) => arrowField(column)),
    ...plan.outputs.map((out) => arrowField(out, out.kind ? { 'nightjar.kind': out.kind } : {})),
  ];
  const batchesOf = (read: ReadonlyMap<string, Cells>, from: number, inner: readonly number[]) => {
    const rows = inner.at(-1) ?? 0;
    const own = subjectCells(plan, ranks.subarray(from, from + rows), subjects);
    const none: Cells = {
      values: new Int32Array(rows),
      valid: new Uint8Array(rows),
      bytes: new Uint8Array(),
    };
    const all = [
      ...own,
      ...plan.outputs.map(({ name, sealed }) => {
        const found = read.get(`o_${name}`) ?? none;
        return sealed ? sealedCells(found, pseudonyms) : found;
      }),
    ];
    return cutBatches(fields, all, inner);
  };
  const pieces = async function* () {
    for (const [batch, to] of cuts.slice(1).entries()) {
      const from = cuts[batch] ?? 0;
      yield* batchesOf(await readCells(sql, 'sorted', { from, to }, columns), from, [0, to - from]);
    }
  };
  const flagNames = [...BUILT_IN_FLAGS, ...plan.flags.map(({ name }) => name)];
  const metadata = { 'nightjar.flags': JSON.stringify(flagNames) };
  return {
    arrow: whole
      ? encodeArrow(fields, batchesOf(cells, 0, cuts), metadata)
      : streamArrow(fields, pieces(), cuts.length - 1, metadata),
    users: plan.subject === 'user' ? distinctSorted(ranks) : 0,
    ...daySpan(cells.get('o_day')?.values),
    flagged: countFlags(cells.get('o_flags')?.values, flagNames),
  };
}

/** A drop of more rows is read from DuckDB and written batch by batch. */
const ROWS_IN_MEMORY = 1_000_000;
const RANK: CellColumn = { name: 'rank', type: 'int32', nullable: false };

/** SQL terms for the bits of the built-in flags; none where a drop is too small to have any. */
function builtInFlags(plan: TablePlan, { medianAmount }: Judgement, { mostRows }: Subjects): string[] {
  const has = (name: string) => plan.outputs.some((output) => output.name === name);
  const terms: string[] = [];
  if (has('amount') && medianAmount !== undefined) {
    terms.push(`CASE WHEN abs(o_amount) > ${ABSURD_TIMES * medianAmount} THEN 1 ELSE 0 END`);
  }
  if (has('day') && mostRows > BUSY_DAY) {
    terms.push(`CASE WHEN (subject, o_day) IN (
      SELECT (subject, o_day) FROM mapped WHERE bad = 0 GROUP BY subject, o_day HAVING count(*) > ${BUSY_DAY}
    ) THEN 2 ELSE 0 END`);
  }
  return terms;
}

/** Where each batch starts among rows sorted by rank, and the end. */
function cutsOf(ranks: ArrayLike<number | bigint>, { hashes }: Subjects, batches: number): number[] {
  const cuts = [0];
  const width = 2 ** 32 / batches;
  let row = 0;
  for (let batch = 1; batch <= batches; batch++) {
    while (row < ranks.length && (hashes[Number(ranks[row])] ?? 0) < batch * width) row++;
    cuts.push(row);
  }
  return cuts;
}

function subjectFields({ subject }: TablePlan): CellColumn[] {
  const hash = { name: 'hash', type: 'uint32', nullable: false } as const;
  if (subject === 'none') return [];
  return subject === 'row' ? [hash] : [{ name: 'user', type: 'text', nullable: false }, hash];
}

function subjectCells(
  { subject }: TablePlan,
  ranks: ArrayLike<number | bigint>,
  { hashes, pseudonyms }: Subjects,
): Cells[] {
  if (subject === 'none') return [];
  const hash = new Uint32Array(ranks.length);
  for (let row = 0; row < ranks.length; row++) hash[row] = hashes[Number(ranks[row])] ?? 0;
  if (subject === 'row') return [{ values: hash }];
  const lengths = new Int32Array(ranks.length);
  let size = 0;
  forEachRun(ranks, (rank, from, to) => {
    const length = Buffer.byteLength(pseudonyms[rank] ?? '');
    lengths.fill(length, from, to);
    size += length * (to - from);
  });
  const bytes = Buffer.from(new ArrayBuffer(size));
  let at = 0;
  forEachRun(ranks, (rank, from, to) => {
    const length = bytes.write(pseudonyms[rank] ?? '', at);
    for (let row = from + 1; row < to; row++) bytes.copyWithin(at + (row - from) * length, at, at + length);
    at += length * (to - from);
  });
  return [{ values: lengths, bytes }, { values: hash }];
}

/** A column of ids of users as their pseudonyms. No id is empty: that is a row without one. */
function sealedCells(ids: Cells, pseudonyms: Pseudonyms): Cells {
  const texts = textsOf(ids);
  const sealed = pseudonyms.sealAll(texts.filter((text) => text !== ''));
  let next = 0;
  return {
    values: Int32Array.from(texts, (text) => (text === '' ? 0 : Buffer.byteLength(sealed[next++]!))),
    bytes: new TextEncoder().encode(sealed.join('')),
    ...(ids.valid ? { valid: ids.valid } : {}),
  };
}

/** Rows of one subject stand together: calls `use` with its rank, its first row and the one behind its last. */
function forEachRun(
  ranks: ArrayLike<number | bigint>,
  use: (rank: number, from: number, to: number) => void,
): void {
  let from = 0;
  for (let row = 1; row <= ranks.length; row++) {
    if (row < ranks.length && ranks[row] === ranks[from]) continue;
    if (from < row) use(Number(ranks[from]), from, row);
    from = row;
  }
}

/** First and last day of the rows; null without rows, or without days. */
function daySpan(days: ArrayLike<number | bigint> | undefined): Pick<Assembled, 'minDay' | 'maxDay'> {
  let [minDay, maxDay] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of days instanceof Int32Array ? days : []) {
    if (value < minDay) minDay = value;
    if (value > maxDay) maxDay = value;
  }
  return Number.isFinite(minDay) ? { minDay, maxDay } : { minDay: null, maxDay: null };
}

function distinctSorted(values: ArrayLike<number | bigint>): number {
  let count = 0;
  for (let row = 0; row < values.length; row++) if (row === 0 || values[row] !== values[row - 1]) count++;
  return count;
}

function countFlags(
  flags: ArrayLike<number | bigint> | undefined,
  names: readonly string[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let row = 0; row < (flags?.length ?? 0); row++) {
    let bits = Number(flags?.[row]);
    for (let bit = 0; bits > 0; bit++, bits >>= 1) {
      const name = names[bit];
      if ((bits & 1) === 1 && name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}
