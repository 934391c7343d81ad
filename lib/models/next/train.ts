import type { NextTask } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import { createRng, type Rng } from '../../engine/host/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ListValidation } from '../description.ts';
import type { TrainContext } from '../family.ts';
import { manifestFile, openUnits, type Units } from '../shared/index.ts';
import { audiencesOf } from './audience-model.ts';
import { fitAudiences } from './audience-train.ts';
import { type Reads, tableOfDay } from './day-table.ts';
import { eachLine, type History, type UserHistory } from './history.ts';
import { openItemAttributes } from './item-attributes.ts';
import type { UnitIndex } from './item-table.ts';
import type { NextModelManifest } from './manifest.ts';
import { asOfDay, nextTask } from './next-task.ts';
import { pairNames } from './other-columns.ts';
import { otherProfiles } from './other-features.ts';
import { hasTaste } from './others.ts';
import { PAIR_WIDTH } from './pair-columns.ts';
import { PairFeatures } from './pair-features.ts';
import { ProfileReader } from './profile.ts';
import {
  encodeRanker,
  fitRanker,
  MAX_POSITIVES,
  NEGATIVES,
  RankingGroups,
  untrainedRanker,
} from './ranker.ts';
import { readHistory } from './read-history.ts';
import { openRules, rulesInWords } from './rules.ts';
import { validateNext } from './validate.ts';

/** Cut-offs to learn from: at most so many, so many days apart, each with so many days of history before it. */
const MAX_CUTOFFS = 12;
const CUTOFF_EVERY = 15;
const MIN_HISTORY = 75;
/** With a short history cut-offs stand closer, so that there are about this many. */
const WANTED_CUTOFFS = 6;
/**
 * Groups to learn from at most, fewer where they have more columns than those of the target's type; beyond it users are
 * left out by a stable hash.
 */
const MAX_GROUPS = 12_000;

/** A validation fits on so many groups at least. */
const FEWEST_GROUPS = 20;

/**
 * Trains the ranker of a list task from what happened before the as-of day. At each of some past days it looks at the
 * users who did something in the window that followed, prospects who had only looked until then among them, and at candidates as they would have been chosen on that day:
 * what was taken is to stand above what was not. Windows end by the as-of day.
 * @param fits keeps the fit for a training that is started again
 */
export async function trainNext(context: TrainContext): Promise<ModelFiles> {
  const { store, manifest, group, progress, fits } = context;
  const name = group.tasks[0]!;
  const task = nextTask(manifest, name);
  const { config } = manifest;
  const cutoffs = trainingCutoffs(manifest, task);
  progress('reading users');
  const units = await openUnits(store, manifest, task);
  const users = await context.users();
  const history = await readHistory(users, manifest, name, cutoffs);
  const { others } = history;
  const said = await openItemAttributes(store, manifest, task);
  // Where no row says since when it holds, nobody knows which items were new at a past day, so that nothing could be learnt of it.
  const attributes = said?.dated ? said : undefined;
  const reads: Reads = { others, attributes };
  const { groups, origins } = collectGroups({
    history,
    days: cutoffs.length,
    reads,
    units,
    task,
    seed: config.model.seed,
    progress,
  });
  const trained = groups.count > 0;
  const rules = rulesInWords(task);
  const { threads } = config.training;
  const fitOn = (part: RankingGroups, what: string) =>
    fitRanker(part, {
      seed: config.model.seed,
      threads,
      onProgress: (step, of, loss) => progress(`${what}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
      fits,
    });
  const split = heldOut(origins, cutoffs, task.horizonDays);
  let validation: ListValidation | undefined;
  if (split) {
    const { kept, by, takes } = split;
    const ranker = await fitOn(groups.only(kept), 'ranking, the latest window held out');
    progress('measuring on the window that was held out');
    const unitOf = units.at(cutoffs.at(-1)!);
    const { at: rulesOf } = await openRules(store, manifest, name, task);
    const measured = await validateNext({
      ...{ history, reads, unitOf, task, rulesOf, ranker, by, takes, threads },
    });
    if (measured.assessment.n > 0) validation = measured;
  }
  const ranker = trained
    ? await fitOn(groups, 'ranking')
    : untrainedRanker(pairNames(others, attributes !== undefined));
  const audiences = audiencesOf(config, name);
  if (audiences.length > 0) progress('learning who is likely to take the values of audiences');
  const likely = fitAudiences({
    ...{ history, reads, units, task, audiences, days: cutoffs.length },
    of: users.shards.length / manifest.shards,
  });
  const description: NextModelManifest = {
    kind: 'next',
    task: name,
    event: task.event,
    of: task.of,
    horizonDays: task.horizonDays,
    k: task.k,
    trainedBefore: manifest.asOf!,
    rows: groups.pairs,
    groups: groups.count,
    curve: ranker.curve,
    ...(others.length > 0 ? { others } : {}),
    ...(attributes ? { attributes: attributes.names } : {}),
    selection: trained
      ? [
          `Learnt from ${groups.count} windows of ${task.horizonDays} days after ${cutoffs.length} past days ` +
            `(${formatDay(cutoffs[0]!)} to ${formatDay(cutoffs.at(-1)!)}), all closed by the as-of day.`,
          'Architecture, steps and learning rate are fixed; nothing was selected on held-out windows.',
          ...(others.length > 0
            ? [
                `Beside "${task.event}" it reads what users did by ${others.map((type) => `"${type}"`).join(', ')}.`,
              ]
            : []),
          ...(attributes
            ? [`Of new items it reads what is said of them: ${attributes.names.join(', ')}.`]
            : []),
          ...(history.share < 1 ? [`A sample of users: a share of ${history.share}.`] : []),
        ]
      : [
          'No window of the past was closed by the as-of day with history before it: there was nothing to learn from.',
          'Candidates are ranked by fixed weights of own lines, co-occurrence and popularity.',
        ],
    ...(validation ? { validation: { [name]: validation } } : {}),
    ...(validation && rules.length > 0 ? { rules } : {}),
    ...(audiences.length > 0 ? { audiences: likely } : {}),
  };
  return {
    'model.onnx': encodeRanker(ranker),
    ...manifestFile(description),
  };
}

/**
 * Days to learn from, ascending; none when no window is closed with a day of history before it.
 * @param asOf day by which windows are over; default: that of the run
 */
export function trainingCutoffs(
  manifest: RunManifest,
  task: NextTask,
  asOf: number = asOfDay(manifest),
): number[] {
  const first = Math.min(...manifest.inputs.events.flatMap(({ minDay }) => minDay ?? []));
  const latest = asOf - task.horizonDays;
  if (!(latest > first)) return [];
  const earliest = first + Math.min(MIN_HISTORY, Math.ceil((latest - first) / 2));
  const every = Math.min(CUTOFF_EVERY, Math.max(1, Math.floor((latest - earliest) / WANTED_CUTOFFS)));
  const cutoffs: number[] = [];
  for (let c = latest; c >= earliest && cutoffs.length < MAX_CUTOFFS; c -= every) cutoffs.push(c);
  return cutoffs.reverse();
}

/** Where a group comes from: its cut-off day and its user's number in [0, 1). */
interface Origin {
  readonly day: number;
  readonly unit: number;
}

/** What a validation is fitted on (numbers of groups), and whom it then measures as of the latest cut-off. */
interface Split {
  readonly kept: number[];
  readonly by: 'day' | 'users';
  readonly takes: (user: UserHistory) => boolean;
}

/**
 * Holds out the latest window: kept are groups whose windows were over by its first day, or, in a young log, those of
 * other users. Undefined where neither leaves enough to fit on.
 */
function heldOut(
  origins: readonly Origin[],
  cutoffs: readonly number[],
  horizonDays: number,
): Split | undefined {
  const last = cutoffs.at(-1);
  if (last === undefined) return undefined;
  const numbers = (keep: (origin: Origin) => boolean) =>
    origins.flatMap((origin, i) => (keep(origin) ? [i] : []));
  const before = numbers(({ day }) => day + horizonDays <= last);
  if (before.length >= FEWEST_GROUPS) return { kept: before, by: 'day', takes: () => true };
  const isOut = ({ unit }: { readonly unit: number }) => unit % 0.2 < 0.04;
  const others = numbers((origin) => !isOut(origin));
  return others.length < FEWEST_GROUPS ? undefined : { kept: others, by: 'users', takes: isOut };
}

/**
 * What users took in the windows after past days, beside what they did not take.
 * @param days the first so many cut-offs of the history
 */
export function collectGroups(args: {
  history: History;
  days: number;
  reads: Reads;
  units: Units;
  task: NextTask;
  seed: number;
  progress: (text: string) => void;
}): { groups: RankingGroups; origins: Origin[] } {
  const { history, days, reads, units, task, seed, progress } = args;
  const cutoffs = history.cutoffs.slice(0, days);
  const { others, attributes } = reads;
  const width = pairNames(others, attributes !== undefined).length;
  const groups = new RankingGroups(width);
  const origins: Origin[] = [];
  const share =
    (MAX_GROUPS * PAIR_WIDTH) / width / Math.max(1, countWindows(history, cutoffs, task.horizonDays));
  const rng = createRng(seed).fork('negatives');
  cutoffs.forEach((day, c) => {
    progress(`candidates of ${formatDay(day)} (${c + 1} of ${cutoffs.length})`);
    const { index, table } = tableOfDay(history, c, units.at(day), reads);
    if (index.names.length === 0) return;
    const features = new PairFeatures(table, task.horizonDays, undefined, attributes?.at(day, index.names));
    const reader = new ProfileReader(index.names.length, day);
    const own = rng.fork(formatDay(day));
    history.users.forEach((user) => {
      // The hash chose the users of the history, too: among them it is uniform below their share.
      if (user.unit >= share * history.share) return;
      const taken = unitsTaken(user, day, task.horizonDays, index);
      if (taken.size === 0) return;
      const profile = reader.read(user.profiles[c]!, user.activeDays[c]!, index.of);
      const beside = otherProfiles(reader, user, c, index, others);
      if (!hasTaste(profile, beside, others)) return;
      features.open(profile, beside);
      addGroup(groups, features, taken, own.fork(`${user.unit}`));
      if (groups.count > origins.length) origins.push({ day, unit: user.unit });
    });
  });
  return { groups, origins };
}

/** Users with something in the window after each cut-off and something before it, of whatever type. */
function countWindows({ users }: History, cutoffs: readonly number[], horizonDays: number): number {
  let count = 0;
  for (const user of users) {
    cutoffs.forEach((day, c) => {
      let any = false;
      eachLine(user.baskets, day, day + horizonDays, () => {
        any = true;
      });
      if (any && (user.profiles[c]!.length > 0 || user.others[c]!.size > 0)) count++;
    });
  }
  return count;
}

function unitsTaken(user: UserHistory, day: number, horizonDays: number, index: UnitIndex): Set<number> {
  const taken = new Set<number>();
  eachLine(user.baskets, day, day + horizonDays, (item) => {
    const unit = index.of(item);
    if (unit >= 0) taken.add(unit);
  });
  return taken;
}

function addGroup(groups: RankingGroups, features: PairFeatures, taken: ReadonlySet<number>, rng: Rng): void {
  const positives: number[] = [];
  const negatives: number[] = [];
  for (let c = 0; c < features.count; c++)
    (taken.has(features.candidates[c]!) ? positives : negatives).push(c);
  if (positives.length === 0) return;
  const chosen = [...sample(positives, MAX_POSITIVES, rng), ...sample(negatives, NEGATIVES, rng)];
  const kept = Math.min(positives.length, MAX_POSITIVES);
  groups.add(kept, chosen.length - kept, (pair, out, offset) => features.write(chosen[pair]!, out, offset));
}

/** So many of a list without repeats; the list itself where it has no more. */
function sample(list: number[], count: number, rng: Rng): number[] {
  if (list.length <= count) return list;
  for (let i = 0; i < count; i++) {
    const j = i + rng.integer(list.length - i);
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list.slice(0, count);
}
