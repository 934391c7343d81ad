import { eventCode } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ScoreContext, Scorer, UserWalk } from '../family.ts';
import { type NamedValue, namedValues, openUnits, parseManifest, type UnitOf } from '../shared/index.ts';
import { Best } from './best.ts';
import type { ItemTable } from './item-table.ts';
import { nextManifest } from './manifest.ts';
import { nextTask } from './next-task.ts';
import { pairNames } from './other-columns.ts';
import { hasTaste, otherEntries } from './others.ts';
import { MAX_CANDIDATES, PairFeatures } from './pair-features.ts';
import { activeDays, itemEntries, ProfileReader } from './profile.ts';
import { ensureItemTable } from './run-item-table.ts';

/** Pairs of every batch: always the same, filled up with zeros, because results depend on the batch's size. */
const BATCH_PAIRS = 8192;

/** A unit of a list with the ranker's score; null in a list of what is popular, which nothing was computed for. */
type ListedUnit = NamedValue;

/**
 * Opens a ranker for the shards of a run, with the run's item table. Lists hold units, best first, equal ones by name.
 * Users of whose taste nothing is known get what is popular; of users of whom nothing is known before the as-of day nothing is said.
 * A list is shorter than k only where there are fewer candidates.
 */
export async function openNextScorer(files: ModelFiles, context: ScoreContext): Promise<Scorer> {
  const { store, runId, manifest, group, threads } = context;
  const name = group.tasks[0]!;
  const task = nextTask(manifest, name);
  const { others = [] } = parseManifest(nextManifest, files);
  const table = await ensureItemTable(store, runId, manifest, name, others);
  const unitOf = (await openUnits(store, manifest, task)).at(table.day);
  const session = await openSession(files['model.onnx']!, { threads });
  const features = new PairFeatures(table, task.horizonDays);
  const numbers = new Map(table.names.map((unit, i) => [unit, i]));
  const { k } = task;
  const type = eventCode(task.event);
  return {
    async score(users) {
      const lists = new ShardLists({ table, features, session, unitOf, numbers, k, type });
      const top = await lists.run(users);
      return {
        lists: { [name]: top.map((items) => (items.length > 0 ? namedValues(items) : null)) },
      };
    },
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

  async run(users: UserWalk): Promise<ListedUnit[][]> {
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

  *#batches(users: UserWalk): Generator<Feeds> {
    const { table, features, type } = this.#s;
    const types = table.others.map((other) => other.type);
    const others = types.map(eventCode);
    const width = pairNames(types).length;
    const reader = new ProfileReader(table.names.length, table.day);
    const unitOf = this.#numberOf(users);
    const popular = Array.from(features.popular.subarray(0, this.#s.k), (unit) => ({
      name: table.names[unit]!,
      value: null,
    }));
    let pairs = new Float32Array(BATCH_PAIRS * width);
    let parts: Part[] = [];
    let used = 0;
    for (const { state, advance } of users) {
      advance(table.day);
      const entries = itemEntries(state, type, table.day, users.items);
      const profile = reader.read(entries, activeDays(state, type), unitOf);
      const beside = others.map((type) =>
        reader.read(otherEntries(state, type, table.day, users.items), 0, unitOf),
      );
      if (!hasTaste(profile, beside, types)) {
        this.#lists.push(state.day === Number.NEGATIVE_INFINITY ? [] : popular);
        continue;
      }
      features.open(profile, beside);
      const user = this.#lists.push([]) - 1;
      parts.push({ user, start: used, units: features.candidates.slice(0, features.count) });
      for (let c = 0; c < features.count; c++) features.write(c, pairs, used++ * width);
      if (used + MAX_CANDIDATES > BATCH_PAIRS) {
        this.#sent.push(parts);
        yield { features: float32(pairs, [BATCH_PAIRS, width]) };
        pairs = new Float32Array(BATCH_PAIRS * width);
        parts = [];
        used = 0;
      }
    }
    if (used === 0) return;
    this.#sent.push(parts);
    yield { features: float32(pairs, [BATCH_PAIRS, width]) };
  }

  /** Numbers of the units of a shard's items; each name is looked up once. */
  #numberOf({ items }: UserWalk): (item: number) => number {
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
