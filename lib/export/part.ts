import { formatDay, inControl, parseDay } from '../data/index.ts';
import type { ScoreColumns } from '../score/index.ts';
import { bestAction } from './actions.ts';
import { fileAddresses } from './addresses.ts';
import { byId } from './by-id.ts';
import { exportColumns } from './columns.ts';
import type { StepContext } from './context.ts';
import type { CsvWriter } from './csv.ts';
import { writeLabelFields } from './label-fields.ts';
import type { ExportFile, Format } from './manifest.ts';
import { readRanks, type Segment } from './ranks.ts';
import { rankedBy, readRows, type ShardRows } from './shard-rows.ts';
import { decileOf, type ExportShape, type ExportTable, ofItems, partName, rankedTasks } from './table.ts';
import { writeTableFile } from './table-file.ts';

export interface PartArguments {
  readonly table: ExportTable;
  readonly part: number;
  readonly parts: number;
  /** The objects to write. */
  readonly keys: Partial<Readonly<Record<Format, string>>>;
  readonly shards: readonly {
    readonly shard: number;
    /** Of its ranks, for each task. */
    readonly segments: readonly Segment[];
  }[];
  /** Users that each task ranks. */
  readonly ranked: readonly number[];
}

export interface PartResult {
  readonly files: readonly ExportFile[];
  readonly rows: number;
  readonly controlRows: number;
}

/** A next order farther away than this, in days, has no date. */
const FARTHEST = 3650;

/** A shard's rows with their ranks in each task. */
interface RankedRows extends Pick<ShardRows, 'columns' | 'ids'> {
  readonly control: Uint8Array;
  /** By task; 0 where the task does not ask the user. */
  readonly ranks: readonly Uint32Array[];
}

/** Writes one part of a table: the users of some shards, ordered by id. */
export async function writePart(context: StepContext, args: PartArguments): Promise<PartResult> {
  const { store, folder, guardFormulas } = context;
  const { table, part, parts, keys } = args;
  const shards: RankedRows[] = [];
  for (const { shard, segments } of args.shards)
    shards.push(await rankedRows(context, table, shard, segments));
  const rows = shards.reduce((sum, { ids }) => sum + ids.length, 0);
  const controlRows = shards.reduce((sum, { control }) => sum + control.reduce((n, one) => n + one, 0), 0);
  if (table.audiences.length > 0) {
    await fileAddresses(
      folder,
      part,
      parts,
      shards.map((own) => persuadables(own, table.shape)),
    );
  }
  const files = await writeTableFile({
    ...{ store, folder, guardFormulas, table: table.name, rows, keys },
    columns: exportColumns(table.shape),
    name: partName(table.name, part, parts),
    records: (csv) => records(csv, args, shards),
  });
  return { files, rows, controlRows };
}

async function rankedRows(
  { store, folder, pseudonyms }: StepContext,
  { shape, scores }: ExportTable,
  shard: number,
  segments: readonly Segment[],
): Promise<RankedRows> {
  const { columns, ids, names, order } = await readRows(store, scores[shard]!, shape, pseudonyms);
  const ranks: Uint32Array[] = [];
  for (const [task, name] of rankedTasks(shape).entries()) {
    ranks.push(await readRanks(folder, task, shard, segments[task]!, rankedBy(columns, name), order));
  }
  const control = Uint8Array.from(names, (name) =>
    Number(!ofItems(shape) && inControl(name, shape.controlShare)),
  );
  return { columns, ids, ranks, control };
}

function* records(
  csv: CsvWriter,
  { table: { shape }, ranked }: PartArguments,
  shards: readonly RankedRows[],
): Generator<void> {
  for (const [shard, row] of byId(shape.id, shards)) {
    const { ids, control, columns, ranks } = shards[shard]!;
    csv.text(ids[row]!);
    csv.plain(shape.asOf ?? '');
    if (!ofItems(shape)) csv.plain(control[row] === 1 ? 'true' : 'false');
    for (const [task, name] of shape.tasks.entries()) {
      const { probability, reasons } = columns.tasks[name]!;
      const rank = ranks[task]![row]!;
      if (rank === 0) {
        csv.empty();
        csv.empty();
        csv.empty();
      } else {
        csv.plain(String(probability[row]));
        csv.whole(decileOf(rank, ranked[task]!));
        csv.whole(rank);
      }
      csv.cell(reasons, row);
    }
    for (const [i, name] of shape.values.entries()) {
      const task = shape.tasks.length + i;
      amounts(csv, columns.values[name]!, row, ranks[task]![row]!, ranked[task]!, shape.asOf);
    }
    for (const [i, uplift] of shape.uplifts.entries()) {
      const task = shape.tasks.length + shape.values.length + i;
      effects(csv, columns.uplifts[uplift.name]!, row, uplift.least, ranks[task]![row]!, ranked[task]!);
    }
    for (const name of shape.lists) {
      csv.cell(columns.lists[name]!, row);
      if (shape.listReasons.includes(name)) csv.cell(columns.listReasons[name]!, row);
    }
    if (shape.actions.length > 0) {
      const best = bestAction(shape.actions, columns, row);
      if (best) csv.text(best.name);
      else csv.empty();
      if (best) csv.plain(String(best.gain));
      else csv.empty();
    }
    for (const name of shape.forecasts) {
      const { units, low, high, stockout } = columns.forecasts[name]!;
      for (const values of [units, low, high, stockout]) {
        if (Number.isNaN(values[row]!)) csv.empty();
        else csv.plain(String(values[row]));
      }
    }
    if (shape.labelled) writeLabelFields(csv, shape.labelled, columns, row);
    csv.text(shape.modelVersion);
    csv.end();
    yield;
  }
}

/** The fields of a value task. */
function amounts(
  csv: CsvWriter,
  { value, low, high, alive, next, reasons }: ScoreColumns['values'][string],
  row: number,
  rank: number,
  ranked: number,
  asOf: string | null,
): void {
  const number = (from: Float64Array) => {
    if (Number.isNaN(from[row]!)) csv.empty();
    else csv.plain(String(from[row]));
  };
  for (const column of [value, low, high]) number(column);
  if (rank === 0) {
    csv.empty();
    csv.empty();
  } else {
    csv.whole(decileOf(rank, ranked));
    csv.whole(rank);
  }
  number(alive);
  if (asOf === null || !(next[row]! < FARTHEST)) csv.empty();
  else csv.plain(formatDay(parseDay(asOf) + Math.ceil(next[row]!)));
  csv.cell(reasons, row);
}

/** Of tasks of a treatment only those have a place in the audience whom it is expected to change by more than the least. */
function persuadables(rows: RankedRows, { tasks, values, uplifts }: ExportShape): RankedRows {
  if (uplifts.length === 0) return rows;
  const ranks = [...rows.ranks];
  for (const [i, { name, least }] of uplifts.entries()) {
    const { uplift } = rows.columns.uplifts[name]!;
    const task = tasks.length + values.length + i;
    ranks[task] = ranks[task]!.map((rank, row) => (uplift[row]! > least ? rank : 0));
  }
  return { ...rows, ranks };
}

/** The fields of a task of a treatment. */
function effects(
  csv: CsvWriter,
  { uplift, control, treated, reasons }: ScoreColumns['uplifts'][string],
  row: number,
  least: number,
  rank: number,
  ranked: number,
): void {
  if (rank === 0) {
    for (let i = 0; i < 6; i++) csv.empty();
  } else {
    for (const column of [uplift, control, treated]) csv.plain(String(column[row]));
    csv.plain(uplift[row]! > least ? 'true' : 'false');
    csv.whole(decileOf(rank, ranked));
    csv.whole(rank);
  }
  csv.cell(reasons, row);
}
