import { DataError, eventCode } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import type { ShardUsers } from '../../features/index.ts';
import { readModelFile } from '../../registry/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { Best } from './best.ts';
import { buildItemTable, type ItemTable, indexUnits } from './item-table.ts';
import { decodeItemTable, encodeItemTable } from './item-table-file.ts';
import { asOfDay, nextTask } from './next-task.ts';
import { MAX_CANDIDATES, PAIR_WIDTH, PairFeatures } from './pair-features.ts';
import { activeDays, itemEntries, ProfileReader } from './profile.ts';
import { readHistory } from './read-history.ts';
import { openUnits, type UnitOf } from './units.ts';

/** Pairs of every batch: always the same, filled up with zeros, because results depend on the batch's size. */
const BATCH_PAIRS = 8192;

/** Where the item table of a run and task stands. */
export const itemTableKey = (runId: string, task: string): string => `runs/${runId}/items-${task}.arrow`;

/**
 * The item table of a run as of its as-of day: read where it stands, else built and stored. Several jobs may do so at
 * once, they write the same bytes.
 */
export async function ensureItemTable(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  task: string,
): Promise<ItemTable> {
  const key = itemTableKey(runId, task);
  if (!(await store.head(key))) {
    const day = asOfDay(manifest);
    const units = await openUnits(store, manifest, nextTask(manifest, task));
    const history = await readHistory(store, manifest, task, [day]);
    const table = buildItemTable(history, 0, indexUnits(history, day, units.at(day)));
    await store.put(key, encodeItemTable(table), { ifAbsent: true });
  }
  return decodeItemTable(await (await store.get(key)).bytes(), key);
}

/** A unit of a list with the ranker's score; null in a list of what is popular, which nothing was computed for. */
export interface ListedUnit {
  readonly name: string;
  readonly value: number | null;
}

/** A loaded ranker with the item table of its run. */
export interface NextScorer {
  /** Length of a list. */
  readonly k: number;
  /**
   * Lists of a shard's users in their order: units, best first, equal ones by name. Users who never had a unit
   * get what is popular; of users of whom nothing is known before the as-of day nothing is said: an empty list. A list
   * is shorter than k only where there are fewer candidates. Walks the users and advances each to the as-of day.
   */
  top(users: ShardUsers): Promise<ListedUnit[][]>;
  /** The unit of an item as of the run's day, as the lists name it. */
  readonly unitOf: UnitOf;
  close(): Promise<void>;
}

/**
 * Opens a ranker for scoring.
 * @throws NightjarError when the version is not there, DataError when the task is none of this run
 */
export async function openNextScorer(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  task: string;
  version: string;
  threads: number;
}): Promise<NextScorer> {
  const { store, runId, manifest, task: name, version, threads } = args;
  const task = nextTask(manifest, name);
  const group = manifest.groups.find(({ kind, tasks }) => kind === 'next' && tasks.includes(name));
  if (!group)
    throw new DataError(`the run does not score the task "${name}": its manifest lists no group for it`);
  const model = await readModelFile(store, group.name, version, 'model.onnx');
  const table = await ensureItemTable(store, runId, manifest, name);
  const unitOf = (await openUnits(store, manifest, task)).at(table.day);
  const session = await openSession(model, { threads });
  const features = new PairFeatures(table, task.horizonDays);
  const numbers = new Map(table.names.map((unit, i) => [unit, i]));
  return {
    k: task.k,
    top: (users) =>
      new ShardLists({
        table,
        features,
        session,
        unitOf,
        numbers,
        k: task.k,
        type: eventCode(task.event),
      }).run(users),
    unitOf,
    close: () => session.close(),
  };
}

interface Scoring {
  readonly table: ItemTable;
  readonly features: PairFeatures;
  readonly session: Session;
  readonly unitOf: UnitOf;
  readonly numbers: ReadonlyMap<string, number>;
  readonly k: number;
  readonly type: number;
}

/** The candidates of one user within a batch. */
interface Part {
  readonly user: number;
  readonly start: number;
  readonly units: Int32Array;
}

class ShardLists {
  readonly #s: Scoring;
  readonly #best: Best;
  readonly #lists: ListedUnit[][] = [];
  /** Batches that are under way, in their order. */
  readonly #sent: Part[][] = [];

  constructor(scoring: Scoring) {
    this.#s = scoring;
    this.#best = new Best(scoring.k);
  }

  async run(users: ShardUsers): Promise<ListedUnit[][]> {
    for await (const { logits } of this.#s.session.runAll(this.#batches(users))) {
      for (const { user, start, units } of this.#sent.shift()!) {
        units.forEach((unit, i) => {
          this.#best.offer(unit, Number(logits!.data[start + i]));
        });
        this.#lists[user] = this.#best
          .takeScored()
          .map(({ id, score }) => ({ name: this.#s.table.names[id]!, value: score }));
      }
    }
    return this.#lists;
  }

  *#batches(users: ShardUsers): Generator<Feeds> {
    const { table, features, type } = this.#s;
    const reader = new ProfileReader(table.names.length, table.day);
    const unitOf = this.#numberOf(users);
    const popular = Array.from(features.popular.subarray(0, this.#s.k), (unit) => ({
      name: table.names[unit]!,
      value: null,
    }));
    let pairs = new Float32Array(BATCH_PAIRS * PAIR_WIDTH);
    let parts: Part[] = [];
    let used = 0;
    for (const { state, advance } of users) {
      advance(table.day);
      const entries = itemEntries(state, type, table.day, users.items);
      const profile = reader.read(entries, activeDays(state, type), unitOf);
      if (profile.count === 0) {
        this.#lists.push(state.day === Number.NEGATIVE_INFINITY ? [] : popular);
        continue;
      }
      features.open(profile);
      const user = this.#lists.push([]) - 1;
      parts.push({ user, start: used, units: features.candidates.slice(0, features.count) });
      for (let c = 0; c < features.count; c++) features.write(c, pairs, used++ * PAIR_WIDTH);
      if (used + MAX_CANDIDATES > BATCH_PAIRS) {
        this.#sent.push(parts);
        yield { features: float32(pairs, [BATCH_PAIRS, PAIR_WIDTH]) };
        pairs = new Float32Array(BATCH_PAIRS * PAIR_WIDTH);
        parts = [];
        used = 0;
      }
    }
    if (used === 0) return;
    this.#sent.push(parts);
    yield { features: float32(pairs, [BATCH_PAIRS, PAIR_WIDTH]) };
  }

  /** Numbers of the units of a shard's items; each name is looked up once. */
  #numberOf({ items }: ShardUsers): (item: number) => number {
    const known = new Int32Array(items.size).fill(-2);
    return (item) => {
      if (known[item] === -2) {
        const unit = this.#s.unitOf(items.text(item));
        known[item] = unit === undefined ? -1 : (this.#s.numbers.get(unit) ?? -1);
      }
      return known[item]!;
    };
  }
}
