import type { NextTask } from '../../config/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import type { UnitOf } from '../shared/index.ts';
import { type Reads, tableOfDay } from './day-table.ts';
import { eachLine, type History, type UserHistory } from './history.ts';
import type { ItemTable, UnitIndex } from './item-table.ts';
import { otherProfiles } from './other-features.ts';
import { hasTaste } from './others.ts';
import { PairFeatures } from './pair-features.ts';
import { NO_PROFILE, type Profile, ProfileReader } from './profile.ts';
import { encodeRanker, type Ranker } from './ranker.ts';
import { boughtProfile, type ListRules } from './rules.ts';

/** Users that are measured at most: those with the lowest hash. */
const MOST_USERS = 3000;

/** A user whose list is compared with what was taken. */
interface Judged {
  readonly user: UserHistory;
  readonly profile: Profile;
  readonly beside: readonly Profile[];
  /** Units that the rules keep from the list. */
  readonly excluded: readonly number[];
}

/** A past day whose window is over: who is judged on it, and what they took. */
export interface JudgedDay {
  readonly index: UnitIndex;
  readonly table: ItemTable;
  readonly rules: ListRules;
  readonly features: PairFeatures;
  readonly reader: ProfileReader;
  readonly judged: readonly Judged[];
  /** Of each: the names of what was taken. */
  readonly truth: readonly ReadonlySet<string>[];
}

/**
 * Opens the history's last cut-off. Judged are users who took something in the window behind it and of whose taste something was known
 * before. What a rule of the task leaves out is not listed, and so no hit; it counts among what was taken.
 * @param rulesOf the task's rules as of the cut-off
 * @param takes users that may be judged; default: all
 */
export async function openJudgedDay(args: {
  history: History;
  reads: Reads;
  unitOf: UnitOf;
  task: NextTask;
  rulesOf: (day: number, units: readonly string[]) => Promise<ListRules>;
  takes?: (user: UserHistory) => boolean;
}): Promise<JudgedDay> {
  const { history, reads, unitOf, task, rulesOf, takes = () => true } = args;
  const place = history.cutoffs.length - 1;
  const day = history.cutoffs[place]!;
  const { others, attributes } = reads;
  const { index, table } = tableOfDay(history, place, unitOf, reads);
  const rules = await rulesOf(day, index.names);
  const described = attributes?.at(day, index.names);
  const features = new PairFeatures(table, task.horizonDays, rules.candidates, described);
  const reader = new ProfileReader(index.names.length, day);
  const truth: Set<string>[] = [];
  const judged: Judged[] = [];
  for (const user of history.users.filter(takes).sort((a, b) => a.unit - b.unit)) {
    if (truth.length === MOST_USERS) break;
    const taken = takenNames(history, user, day, task.horizonDays, unitOf);
    const profile = reader.read(user.profiles[place]!, user.activeDays[place]!, index.of);
    const beside = otherProfiles(reader, user, place, index, others);
    if (taken.size === 0 || !hasTaste(profile, beside, others)) continue;
    const bought = boughtProfile(task, profile, (type) => beside[others.indexOf(type)] ?? NO_PROFILE);
    truth.push(taken);
    judged.push({ user, profile, beside, excluded: rules.excluded(bought) });
  }
  return { index, table, rules, features, reader, judged, truth };
}

/** The list of each user by the ranker, best first. */
export async function rankedLists(
  { index, rules, features, judged }: JudgedDay,
  ranker: Ranker,
  threads: number,
): Promise<string[][]> {
  const lists: string[][] = [];
  const picker = rules.picker();
  const { width } = features;
  const most = features.candidates.length;
  const pairs = new Float32Array(most * width);
  const session = await openSession(encodeRanker(ranker), { threads });
  try {
    for (const { profile, beside, excluded } of judged) {
      features.open(profile, beside, excluded);
      for (let c = 0; c < features.count; c++) features.write(c, pairs, c * width);
      // Always the same number of rows, because results depend on it; what is behind the candidates is not read.
      const { logits } = await session.run({ features: float32(pairs, [most, width]) });
      for (let c = 0; c < features.count; c++) {
        picker.offer(features.candidates[c]!, Number(logits!.data[c]), features.isOwn(c));
      }
      lists.push(picker.take().map(({ id }) => index.names[id]!));
    }
  } finally {
    await session.close();
  }
  return lists;
}

/** What is most popular, for each user without what the rules keep from the list. */
export const popularLists = ({ index, features, judged }: JudgedDay, k: number): string[][] =>
  judged.map(({ excluded }) =>
    Array.from(features.popularWithout(excluded))
      .slice(0, k)
      .map((unit) => index.names[unit]!),
  );

/** Units that a user took in the window from a day on, those that nobody had before among them: no list can name them. */
export function takenNames(
  history: History,
  user: UserHistory,
  day: number,
  horizonDays: number,
  unitOf: UnitOf,
): Set<string> {
  const taken = new Set<string>();
  eachLine(user.baskets, day, day + horizonDays, (item) => {
    const name = unitOf(history.names[item]!);
    if (name !== undefined) taken.add(name);
  });
  return taken;
}
