import type { NextTask } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { assessLists } from '../../engine/metrics/index.ts';
import { openSession } from '../../engine/train/index.ts';
import type { ListValidation } from '../family.ts';
import type { UnitOf } from '../shared/index.ts';
import { type Reads, tableOfDay } from './day-table.ts';
import { eachLine, type History, type UserHistory } from './history.ts';
import { otherProfiles } from './other-features.ts';
import { hasTaste } from './others.ts';
import { PairFeatures } from './pair-features.ts';
import { NO_PROFILE, ProfileReader } from './profile.ts';
import { encodeRanker, type Ranker } from './ranker.ts';
import { boughtProfile, type ListRules } from './rules.ts';

/** Users that are measured at most: those with the lowest hash. */
const MOST_USERS = 3000;

/**
 * Ranks for users as of the history's last cut-off and compares with what they took in the window behind it. Compared
 * are those who took something then and of whose taste something was known before.
 * What a rule of the task leaves out is not listed, and so no hit; it counts among what was taken.
 * @param rulesOf the task's rules as of the cut-off
 * @param takes the users that were held out
 */
export async function validateNext(args: {
  history: History;
  reads: Reads;
  unitOf: UnitOf;
  task: NextTask;
  rulesOf: (day: number, units: readonly string[]) => Promise<ListRules>;
  ranker: Ranker;
  by: 'day' | 'users';
  takes: (user: UserHistory) => boolean;
  threads: number;
}): Promise<ListValidation> {
  const { history, reads, unitOf, task, rulesOf, ranker, by, takes, threads } = args;
  const place = history.cutoffs.length - 1;
  const day = history.cutoffs[place]!;
  const { others, attributes } = reads;
  const { index, table } = tableOfDay(history, place, unitOf, reads);
  const rules = await rulesOf(day, index.names);
  const features = new PairFeatures(
    table,
    task.horizonDays,
    rules.candidates,
    attributes?.at(day, index.names),
  );
  const reader = new ProfileReader(index.names.length, day);
  const names = (units: readonly number[]) => units.map((unit) => index.names[unit]!);
  const popular: string[][] = [];
  const truth: Set<string>[] = [];
  const lists: string[][] = [];
  const picker = rules.picker();
  const { width } = features;
  const most = features.candidates.length;
  const pairs = new Float32Array(most * width);
  const session = await openSession(encodeRanker(ranker), { threads });
  try {
    const users = history.users.filter(takes).sort((a, b) => a.unit - b.unit);
    for (const user of users) {
      if (truth.length === MOST_USERS) break;
      const taken = takenNames(history, user, day, task.horizonDays, unitOf);
      const profile = reader.read(user.profiles[place]!, user.activeDays[place]!, index.of);
      const beside = otherProfiles(reader, user, place, index, others);
      if (taken.size === 0 || !hasTaste(profile, beside, others)) continue;
      const excluded = rules.excluded(
        boughtProfile(task, profile, (type) => beside[others.indexOf(type)] ?? NO_PROFILE),
      );
      features.open(profile, beside, excluded);
      for (let c = 0; c < features.count; c++) features.write(c, pairs, c * width);
      // Always the same number of rows, because results depend on it; what is behind the candidates is not read.
      const { logits } = await session.run({ features: float32(pairs, [most, width]) });
      for (let c = 0; c < features.count; c++) {
        picker.offer(features.candidates[c]!, Number(logits!.data[c]), features.isOwn(c));
      }
      truth.push(taken);
      lists.push(names(picker.take().map(({ id }) => id)));
      popular.push(names(Array.from(features.popularWithout(excluded)).slice(0, task.k)));
    }
  } finally {
    await session.close();
  }
  const { recall, ndcg } = assessLists(truth, popular, task.k);
  const on = formatDay(day);
  return { by, days: [on, on], assessment: assessLists(truth, lists, task.k), popular: { recall, ndcg } };
}

/** Units that a user took in the window from a day on, those that nobody had before among them: no list can name them. */
function takenNames(
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
