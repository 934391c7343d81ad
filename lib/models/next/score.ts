import type { NextTask } from '../../config/index.ts';
import { eventCode } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ScoreContext, Scorer, UserWalk } from '../family.ts';
import { type NamedValue, namedValues, openUnits, parseManifest, type UnitOf } from '../shared/index.ts';
import { type AudienceModel, audiencesOf } from './audience-model.ts';
import { audienceScores } from './audience-scores.ts';
import { type EntryReason, EntryReasons, reasonsAsText } from './entry-reasons.ts';
import { openItemAttributes } from './item-attributes.ts';
import type { ItemTable } from './item-table.ts';
import type { ListPicker } from './list-picker.ts';
import { nextManifest } from './manifest.ts';
import { nextTask } from './next-task.ts';
import { hasTaste, otherEntries } from './others.ts';
import { PairFeatures } from './pair-features.ts';
import { activeDays, itemEntries, NO_PROFILE, type Profile, ProfileReader } from './profile.ts';
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
  const { others = [], attributes: read = [], audiences = {} } = parseManifest(nextManifest, files);
  const said = await openItemAttributes(store, manifest, task);
  const attributes = read.length > 0 ? said : undefined;
  const table = await ensureItemTable(store, runId, manifest, name, { others, attributes });
  const described = said?.at(table.day, table.names);
  const unitOf = (await openUnits(store, manifest, task)).at(table.day);
  const session = await openSession(files['model.onnx']!, { threads });
  const rules = await (await openRules(store, manifest, name, task)).at(table.day, table.names);
  const features = new PairFeatures(table, task.horizonDays, rules.candidates, attributes && described);
  const reasons = manifest.config.exports.listReasons
    ? new EntryReasons(table, task.event, described)
    : undefined;
  const numbers = new Map(table.names.map((unit, i) => [unit, i]));
  // What a model learnt of another value under the same name is of no use.
  const models = Object.fromEntries(
    audiencesOf(manifest.config, name).flatMap((wanted): [string, AudienceModel][] => {
      const learnt = audiences[wanted.name];
      return learnt && 'weights' in learnt && learnt.value === wanted.value ? [[wanted.name, learnt]] : [];
    }),
  );
  const always = Object.values(models).flatMap(({ value }) => numbers.get(value) ?? []);
  const ofAudiences =
    always.length > 0
      ? new PairFeatures(table, task.horizonDays, undefined, attributes && described, [...new Set(always)])
      : undefined;
  return {
    async score(users) {
      const lists = new ShardLists({ table, features, session, unitOf, numbers, task, rules, reasons });
      const top = await lists.run(users);
      return {
        lists: { [name]: top.map(({ units }) => (units.length > 0 ? namedValues(units) : null)) },
        ...(reasons
          ? {
              listReasons: { [name]: top.map((list) => (list.reasons ? reasonsAsText(list.reasons) : null)) },
            }
          : {}),
        ...(ofAudiences
          ? {
              audiences: audienceScores({
                ...{ users, event: task.event, table, features: ofAudiences, models },
                numberOf: numbersOf(users, unitOf, numbers),
              }),
            }
          : {}),
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
  /** Where the reasons of entries are asked for. */
  readonly reasons: EntryReasons | undefined;
}

/** A user's list. */
interface UserList {
  readonly units: readonly ListedUnit[];
  readonly reasons?: readonly EntryReason[] | undefined;
}

/** What reasons are found by. */
interface UserProfiles {
  readonly profile: Profile;
  readonly beside: readonly Profile[];
}

const NO_LIST: UserList = { units: [] };

/** The candidates of one user within a batch. */
interface Part {
  readonly user: number;
  readonly start: number;
  readonly units: Int32Array;
  /** 1 for those that the user has had before. */
  readonly had: Uint8Array;
  /** Kept only where reasons are asked for: these are no small part of a batch. */
  readonly profiles?: UserProfiles | undefined;
}

class ShardLists {
  readonly #s: Scoring;
  readonly #picker: ListPicker;
  readonly #lists: UserList[] = [];
  /** Batches that are under way, in their order. */
  readonly #sent: Part[][] = [];

  constructor(scoring: Scoring) {
    this.#s = scoring;
    this.#picker = scoring.rules.picker();
  }

  async run(users: UserWalk): Promise<UserList[]> {
    for await (const { logits } of this.#s.session.runAll(this.#batches(users))) {
      for (const { user, start, units, had, profiles } of this.#sent.shift()!) {
        units.forEach((unit, i) => {
          this.#picker.offer(unit, Number(logits!.data[start + i]), had[i] === 1);
        });
        const taken = this.#picker.take();
        this.#lists[user] = {
          units: taken.map(({ id, score }) => ({ name: this.#s.table.names[id]!, value: score })),
          reasons:
            profiles &&
            this.#reasonsOf(
              profiles,
              taken.map(({ id }) => id),
            ),
        };
      }
    }
    return this.#lists;
  }

  *#batches(users: UserWalk): Generator<Feeds> {
    const { table, features, task, rules } = this.#s;
    const type = eventCode(task.event);
    const types = table.others.map((other) => other.type);
    const others = types.map(eventCode);
    const { width } = features;
    const reader = new ProfileReader(table.names.length, table.day);
    const unitOf = numbersOf(users, this.#s.unitOf, this.#s.numbers);
    const popularWithout = (excluded: readonly number[]): UserList => {
      const units = Array.from(features.popularWithout(excluded)).slice(0, task.k);
      return {
        units: units.map((unit) => ({ name: table.names[unit]!, value: null })),
        reasons: units.length > 0 ? this.#reasonsOf({ profile: NO_PROFILE, beside: [] }, units) : undefined,
      };
    };
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
        this.#lists.push(state.day === Number.NEGATIVE_INFINITY ? NO_LIST : list);
        continue;
      }
      features.open(profile, beside, excluded);
      const user = this.#lists.push(NO_LIST) - 1;
      const units = features.candidates.slice(0, features.count);
      parts.push({
        user,
        start: used,
        units,
        had: Uint8Array.from(units, (_, c) => Number(features.isOwn(c))),
        profiles: this.#s.reasons && { profile, beside },
      });
      for (let c = 0; c < features.count; c++) features.write(c, pairs, used++ * width);
      if (used + features.candidates.length > BATCH_PAIRS) {
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

  #reasonsOf({ profile, beside }: UserProfiles, units: readonly number[]): EntryReason[] | undefined {
    return this.#s.reasons?.of(profile, beside, units);
  }
}

/** Numbers of the units of a shard's items, -1 for none; each name is looked up once. */
function numbersOf(
  { items }: UserWalk,
  unitOf: UnitOf,
  numbers: ReadonlyMap<string, number>,
): (item: number) => number {
  const known = new Int32Array(items.size).fill(-2);
  return (item) => {
    if (known[item] === -2) {
      const unit = unitOf(items.text(item));
      known[item] = unit === undefined ? -1 : (numbers.get(unit) ?? -1);
    }
    return known[item]!;
  };
}
