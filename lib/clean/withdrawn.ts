import { encodeArrow, streamArrow } from '../data/index.ts';
import { arrowField, type CellColumn, cutBatches, readCells, type Sql } from './duckdb/index.ts';
import type { TablePlan } from './mapping/index.ts';
import { RANKED, type Subjects } from './subjects.ts';

/** The rows that `where` leaves out and that are versions of events: those events do not stand as older drops tell them. */
export interface Withdrawn {
  readonly rows: number;
  /** In pieces where it is too large to stand in memory. */
  readonly arrow: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Rows of a batch, and as many stand in memory. */
const MOST_ROWS = 1 << 19;

const HASH: CellColumn = { name: 'hash', type: 'uint32', nullable: false };
const RANK: CellColumn = { name: 'rank', type: 'int32', nullable: false };

/**
 * Encodes the rows of `mapped` that withdraw events, with what the clean table says of an event's version: `hash`, `id`,
 * `day` and `version`, sorted by all of them. Equal content gives equal bytes, whatever the order of the file.
 * @param subjects of `mapped`, from `loadSubjects`
 * @returns undefined where there are none
 */
export async function assembleWithdrawn(
  sql: Sql,
  plan: TablePlan,
  { hashes }: Subjects,
): Promise<Withdrawn | undefined> {
  if (!plan.withdraws) return undefined;
  const outputs = ['id', 'day', 'version'].flatMap(
    (name) => plan.outputs.find((output) => output.name === name) ?? [],
  );
  const names = ['rank', ...outputs.map(({ name }) => `o_${name}`)].join(', ');
  const [[count] = []] = await sql.rows(`CREATE OR REPLACE TEMP TABLE withdrawn AS
    SELECT ${names} FROM mapped JOIN ${RANKED} USING (subject) WHERE withdraws ORDER BY ${names}`);
  const rows = Number(count);
  if (rows === 0) return undefined;
  const columns = outputs.map((output): CellColumn => ({ ...output, name: `o_${output.name}` }));
  const fields = [HASH, ...outputs].map((column) => arrowField(column));
  let batches = 1;
  while (rows / batches > MOST_ROWS) batches *= 2;
  const batchOf = async (batch: number) => {
    const [from, to] = [batch, batch + 1].map((n) => Math.floor((n * rows) / batches)) as [number, number];
    const read = await readCells(sql, 'withdrawn', { from, to }, [RANK, ...columns]);
    const ranks = read.get(RANK.name)!.values;
    const hash = Uint32Array.from({ length: to - from }, (_, row) => hashes[Number(ranks[row])]!);
    return cutBatches(
      fields,
      [{ values: hash }, ...columns.map(({ name }) => read.get(name)!)],
      [0, to - from],
    );
  };
  const pieces = async function* () {
    for (let batch = 0; batch < batches; batch++) yield* await batchOf(batch);
  };
  const arrow =
    batches === 1 ? encodeArrow(fields, await batchOf(0)) : streamArrow(fields, pieces(), batches);
  return { rows, arrow };
}
