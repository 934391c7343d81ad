import { inControl } from '../data/index.ts';
import type { TextColumn } from '../score/index.ts';
import { fileAddresses } from './addresses.ts';
import type { StepContext } from './context.ts';
import type { CsvWriter } from './csv.ts';
import type { ExportFile, Format } from './manifest.ts';
import { readRanks, type Segment } from './ranks.ts';
import { comparerOf, readRows, type ShardRows } from './shard-rows.ts';
import { decileOf, type ExportTable, exportColumns, ofItems, partName } from './table.ts';
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

/** A shard's rows with their ranks in each task. */
interface RankedRows extends Pick<ShardRows, 'columns' | 'ids'> {
  readonly control: Uint8Array;
  /** By task; 0 where the task does not ask the user. */
  readonly ranks: readonly Uint32Array[];
}

/** Writes one part of a table: the users of some shards, ordered by id. */
export async function writePart(context: StepContext, args: PartArguments): Promise<PartResult> {
  const { store, folder } = context;
  const { table, part, parts, keys } = args;
  const shards: RankedRows[] = [];
  for (const { shard, segments } of args.shards)
    shards.push(await rankedRows(context, table, shard, segments));
  const rows = shards.reduce((sum, { ids }) => sum + ids.length, 0);
  const controlRows = shards.reduce((sum, { control }) => sum + control.reduce((n, one) => n + one, 0), 0);
  if (table.audiences.length > 0) await fileAddresses(folder, part, parts, shards);
  const files = await writeTableFile({
    ...{ store, folder, table: table.name, rows, keys },
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
  for (const [task, name] of shape.tasks.entries()) {
    const { logit } = columns.tasks[name]!;
    ranks.push(await readRanks(folder, task, shard, segments[task]!, logit, order));
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
      text(csv, reasons, row);
    }
    for (const name of shape.lists) text(csv, columns.lists[name]!, row);
    for (const name of shape.forecasts) {
      const { units, low, high, stockout } = columns.forecasts[name]!;
      for (const values of [units, low, high, stockout]) {
        if (Number.isNaN(values[row]!)) csv.empty();
        else csv.plain(String(values[row]));
      }
    }
    csv.text(shape.modelVersion);
    csv.end();
    yield;
  }
}

function text(csv: CsvWriter, { bytes, offsets, has }: TextColumn, row: number): void {
  if (has(row)) csv.bytes(bytes, offsets[row]!, offsets[row + 1]!);
  else csv.empty();
}

/** Shard and row of each user in the order of ids; rows of a labelled table in that of their numbers. */
function* byId(
  id: ExportTable['shape']['id'],
  shards: readonly RankedRows[],
): Generator<readonly [shard: number, row: number]> {
  const ids = shards.flatMap((rows) => rows.ids);
  const starts: number[] = [];
  let start = 0;
  for (const rows of shards) {
    starts.push(start);
    start += rows.ids.length;
  }
  const shardOf = new Uint16Array(ids.length);
  for (const [shard, from] of starts.entries()) shardOf.fill(shard, from);
  const compare = id === 'row_id' ? (a: string, b: string) => Number(a) - Number(b) : comparerOf(ids);
  const order = Uint32Array.from(ids, (_, place) => place).sort((a, b) => compare(ids[a]!, ids[b]!));
  for (const place of order) {
    const shard = shardOf[place]!;
    yield [shard, place - starts[shard]!];
  }
}
