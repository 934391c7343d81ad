import { canonicalJson } from '../data/index.ts';
import { type HeldBack, heldBack, heldKey } from '../run/index.ts';
import { type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import type { Crew } from './crew.ts';
import { pointDay, showCurrent } from './current.ts';
import type { AudienceSummary, ExportFile, ExportManifest, Format } from './manifest.ts';
import type { PartArguments } from './part.ts';
import type { ProfileTable } from './profiles/index.ts';
import type { Segment } from './ranks.ts';
import {
  type ExportTable,
  type FileSizes,
  inOrder,
  objectKeys,
  partName,
  partsOf,
  rankedTasks,
} from './table.ts';
import { writeProfiles } from './write-profiles.ts';

interface WriteExports {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly asOf: string;
  readonly modelVersion: string;
  readonly formats: readonly Format[];
  readonly tables: readonly ExportTable[];
  /** Of the users of the first table, where they are wanted. */
  readonly profiles?: ProfileTable | undefined;
  readonly sizes: FileSizes;
  /** Gives a crew to `work`, whose folder is gone afterwards. Called once a table, and for the profiles. */
  readonly withCrew: <T>(table: ExportTable, work: (crew: Crew, folder: string) => Promise<T>) => Promise<T>;
  readonly now: () => Date;
  /** Writes what is no table of scores. Called once all tables stand. */
  readonly beside?: (keysOf: (table: string) => PartArguments['keys']) => Promise<readonly ExportFile[]>;
  /** Writes who is likely to do something. Called once all tables stand. */
  readonly likely?: (
    keysOf: (name: string) => PartArguments['keys'],
  ) => Promise<{ files: readonly ExportFile[]; audiences: readonly AudienceSummary[] }>;
  /** Looks whether the last days are unlike such days before. @param days of the first table's users, by shard */
  readonly watch?: (days: readonly string[], rows: number) => Promise<Pick<ExportManifest, 'watch'>>;
  /** Is an export held back where they are? */
  readonly holds?: boolean;
  /** Called once all files stand: what an export that is done must have done. */
  readonly beforeSuccess?: () => Promise<void>;
  readonly onProgress: (text: string) => void;
}

/** What an export writes of one table. */
interface TableFiles {
  readonly files: readonly ExportFile[];
  readonly rows: number;
  readonly controlRows: number;
  /** What its users did on the last days, by shard. */
  readonly days: readonly string[];
}

/**
 * Writes a run's scores as files for others, one folder a table and format, so that a query engine may take the folder
 * for a table: `exports/<table>/<format>/as_of=D/run=<runId>/`. Then, in this order: the run's manifest and `_SUCCESS`
 * (`exports/as_of=D/<runId>/`), the view `exports/current/`, and the day's pointer `exports/as_of=D/current.json`; one that is held
 * back has a `HELD` beside `_SUCCESS`, and neither view nor pointer moves. A finished export is left as it is, and so is a file that a killed one had written.
 * @returns the manifest that stands under the run
 */
export async function writeExports(args: WriteExports): Promise<ExportManifest> {
  const { store, runId, asOf, modelVersion, tables, withCrew } = args;
  const prefix = `exports/as_of=${asOf}/${runId}`;
  if (!(await store.head(`${prefix}/_SUCCESS`))) {
    const written: TableFiles[] = [];
    for (const table of tables) {
      written.push(await withCrew(table, (crew) => writeTable(args, table, crew)));
    }
    const { profiles } = args;
    const profiled =
      profiles && (await withCrew(tables[0]!, (crew, folder) => writeProfiles(args, profiles, crew, folder)));
    const beside = (await args.beside?.((table) => objectKeys(args, table, table))) ?? [];
    const likely = await args.likely?.((name) => objectKeys(args, `audiences/${name}`, name));
    const manifest: ExportManifest = {
      ...{ runId, asOf, createdAt: args.now().toISOString(), modelVersion },
      rows: total(written.map(({ rows }) => rows)),
      controlRows: total(written.map(({ controlRows }) => controlRows)),
      files: [
        ...written.flatMap(({ files }) => files),
        ...(profiled?.files ?? []),
        ...inOrder(args.formats, beside),
        ...(likely?.files ?? []),
      ],
      ...(profiled ? { profiles: profiled.summary } : {}),
      ...(likely ? { audiences: likely.audiences } : {}),
      ...(await args.watch?.(
        written.flatMap(({ days }) => days),
        total(written.slice(0, 1).map(({ rows }) => rows)),
      )),
    };
    await store.put(`${prefix}/manifest.json`, canonicalJson(manifest));
    await args.beforeSuccess?.();
    await store.put(`${prefix}/_SUCCESS`, '');
  }
  const manifest = (await readJson<ExportManifest>(store, `${prefix}/manifest.json`))!;
  const { watch } = manifest;
  if (args.holds && watch && watch.unusual.length > 0) {
    const named = asOf === 'none' ? null : asOf;
    await putJson(store, heldKey(named, runId), { reasons: watch.unusual } satisfies HeldBack, {
      ifAbsent: true,
    });
    if (await heldBack(store, named, runId)) {
      args.onProgress(`held back: ${watch.unusual.join('; ')}`);
      return manifest;
    }
  }
  // The day's pointer says that an export is done, so it moves last.
  await showCurrent(store, manifest);
  await pointDay(store, `exports/as_of=${asOf}/current.json`, runId);
  return manifest;
}

/** Ranks a table's rows over all shards, then writes it part by part: see `steps.ts`. */
async function writeTable(args: WriteExports, table: ExportTable, crew: Crew): Promise<TableFiles> {
  const { name, shape, scores, audiences } = table;
  const shards = [...scores.keys()];
  const tell = (what: string, of: number) => (done: number) =>
    args.onProgress(`${name}: ${what} ${done} of ${of}`);
  const sorted = await crew.all(
    'sort',
    shards.map((shard) => ({ table, shard })),
    tell('sorted shard', shards.length),
  );
  const segments = rankedTasks(shape).map((_, task) => segmentsOf(sorted.map(({ ranked }) => ranked[task]!)));
  await crew.all(
    'merge',
    segments.map((of, task) => ({ task, segments: of })),
    tell('ranked task', segments.length),
  );
  const ranked = segments.map((of) => total(of.map(({ count }) => count)));
  const parts = partsOf(total(sorted.map(({ rows }) => rows)), shards.length, args.sizes);
  const written = await crew.all(
    'part',
    Array.from({ length: parts }, (_, part): PartArguments => {
      const each = shards.length / parts;
      return {
        ...{ table, part, parts, ranked },
        keys: objectKeys(args, name, partName(name, part, parts)),
        shards: shards.slice(part * each, (part + 1) * each).map((shard) => ({
          shard,
          segments: segments.map((of) => of[shard]!),
        })),
      };
    }),
    tell('wrote part', parts),
  );
  const files = written.flatMap((part) => part.files);
  const lists = audiences.length > 0 ? await writeAudiences(args, table, crew, parts, ranked) : [];
  return {
    files: [...inOrder(args.formats, files), ...lists],
    days: sorted.flatMap(({ days }) => days ?? []),
    rows: total(written.map(({ rows }) => rows)),
    controlRows: total(written.map(({ controlRows }) => controlRows)),
  };
}

async function writeAudiences(
  args: WriteExports,
  table: ExportTable,
  crew: Crew,
  parts: number,
  ranked: readonly number[],
): Promise<ExportFile[]> {
  const numbers = Array.from({ length: parts }, (_, part) => part);
  await crew.all(
    'best',
    numbers.map((bucket) => ({ table, bucket, parts, ranked })),
  );
  const lists: ExportFile[] = [];
  for (const name of table.audiences) {
    const task = rankedTasks(table.shape).indexOf(name);
    const written = await crew.all(
      'audience',
      numbers.map((part) => ({
        ...{ task, part, parts, ranked: ranked[task]! },
        keys: objectKeys(args, 'audiences', partName('audience', part, parts), `task=${name}/`),
      })),
      (done) => args.onProgress(`audience of ${name}: wrote part ${done} of ${parts}`),
    );
    lists.push(...inOrder(args.formats, written.flat()));
  }
  return lists;
}

function segmentsOf(counts: readonly number[]): Segment[] {
  let from = 0;
  return counts.map((count) => {
    const segment = { from, count };
    from += count;
    return segment;
  });
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);
