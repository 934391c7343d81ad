import type { NextTask } from '../../config/index.ts';
import { eventCode } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ScoreContext, Scorer, UserWalk } from '../family.ts';
import { type NamedValue, namedValues, openUnits, parseManifest, type UnitOf } from '../shared/index.ts';
import type { ItemTable } from './item-table.ts';
import type { ListPicker } from './list-picker.ts';
import { nextManifest } from './manifest.ts';
import { nextTask } from './next-task.ts';
import { pairNames } from './other-columns.ts';
import { hasTaste, otherEntries } from './others.ts';
import { MAX_CANDIDATES, PairFeatures } from './pair-features.ts';
import { activeDays, itemEntries, ProfileReader } from './profile.ts';
import { boughtProfile, type ListRules, openRules } from './rules.ts';
import { ensureItemTable } from './run-item-table.ts';

/** Pairs of every batch: always the same, filled up with zeros, because results depend on the batch's size. */
const BATCH_PAIRS = 8192;

/** A unit of a list with the ranker's score; null in a list of what is popular, which nothing was computed for. */
type ListedUnit = NamedValue;

/**
 * Opens a ranker for the shards of a run, with the run's item table. Lists hold units, best first, equal ones by name.
 * Users of whose taste nothing is known get what is popular; of users of whom nothing is known before the as-of day nothing is said.
 * A list is shorter than k only where there are fewer candidates that the task's rules let stand.
 */
export async function openNextScorer(files: ModelFiles, context: ScoreContext): Promise<Scorer> {
  const { store, runId, manifest, group, threads } = context;
  const name = group.tasks[0]!;
  const task = nextTask(manifest, name);
  const { others = [] } = parseManifest(nextManifest, files);
  const table = await ensureItemTable(store, runId, manifest, name, others);
  const unitOf = (await openUnits(store, manifest, task)).at(table.day);
  const session = await openSession(files['model.onnx']!, { threads });
  const rules = await (await openRules(store, manifest, name, task)).at(table.day, table.names);
  const features = new PairFeatures(table, task.horizonDays, rules.candidates);
  const numbers = new Map(table.names.map((unit, i) => [unit, i]));
  return {
    async score(users) {
      const lists = new ShardLists({ table, features, session, unitOf, numbers, task, rules });
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
  readonly task: NextTask;
  readonly rules: ListRules;
}

/** The candidates of one user within a batch. */
interface Part {
  readonly user: number;
  readonly start: number;
  readonly units: Int32Array;
  /** 1 for those that the user has had before. */
  readonly had: Uint8Array;
}

class ShardLists {
  readonly #s: Scoring;
  readonly #picker: ListPicker;
  readonly #lists: ListedUnit[][] = [];
  /** Batches that are under way, in their order. */
  readonly #sent: Part[][] = [];

  constructor(scoring: Scoring) {
    this.#s = scoring;
    this.#picker = scoring.rules.picker();
  }

  async run(users: UserWalk): Promise<ListedUnit[][]> {
    for await (const { logits } of this.#s.session.runAll(this.#batches(users))) {
      for (const { user, start, units, had } of this.#sent.shift()!) {
        units.forEach((unit, i) => {
          this.#picker.offer(unit, Number(logits!.data[start + i]), had[i] === 1);
        });
        this.#lists[user] = this.#picker
          .take()
          .map(({ id, score }) => ({ name: this.#s.table.names[id]!, value: score }));
      }
    }
    return this.#lists;
  }

  *#batches(users: UserWalk): Generator<Feeds> {
    const { table, features, task, rules } = this.#s;
    const type = eventCode(task.event);
    const types = table.others.map((other) => other.type);
    const others = types.map(eventCode);
    const width = pairNames(types).length;
    const reader = new ProfileReader(table.names.length, table.day);
    const unitOf = this.#numberOf(users);
    const popularWithout = (excluded: readonly number[]) =>
      Array.from(features.popularWithout(excluded))
        .slice(0, task.k)
        .map((unit) => ({ name: table.names[unit]!, value: null }));
    const popular = popularWithout([]);
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
      const excluded = rules.asksWhatWasBought
        ? rules.excluded(
            boughtProfile(task, profile, (type) =>
              reader.read(itemEntries(state, eventCode(type), table.day, users.items), 0, unitOf),
            ),
          )
        : [];
      if (!hasTaste(profile, beside, types)) {
        const list = excluded.length > 0 ? popularWithout(excluded) : popular;
        this.#lists.push(state.day === Number.NEGATIVE_INFINITY ? [] : list);
        continue;
      }
      features.open(profile, beside, excluded);
      const user = this.#lists.push([]) - 1;
      const units = features.candidates.slice(0, features.count);
      parts.push({
        user,
        start: used,
        units,
        had: Uint8Array.from(units, (_, c) => Number(features.isOwn(c))),
      });
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
