import type { Config } from '../config/index.ts';
import { DataError, eventCode, formatDay, parseDay } from '../data/index.ts';
import type { ShardUser } from '../features/index.ts';
import type { RunManifest, TaskGroup } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { cutoffGrid, MIN_HISTORY_DAYS } from './users/cutoff-grid.ts';
import { labelTask, readLabelled } from './table/train.ts';
import { binEdges, eachUser, historyStart, type UserTask, userHeads, userTask } from './users/user-rows.ts';

/** A task needs so many users (rows of a table) of either outcome to be learnt. */
const FEWEST = 10;

/** A task that cannot be trained yet, and why, in words for the shop. */
export interface LeftOut {
  readonly task: string;
  readonly why: string;
}

/** What the data of a group of tasks is good for. */
export interface GroupCheck {
  /** Tasks that can be trained. */
  readonly tasks: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Tasks that are trained although something speaks against it, and what. */
  readonly warnings: readonly LeftOut[];
}

/** Looks, before anything is trained, whether there is enough to learn each task of a group from. */
export function checkGroup(store: ObjectStore, manifest: RunManifest, group: TaskGroup): Promise<GroupCheck> {
  const check = { users: checkUserTasks, next: checkListTask, label: checkTable }[group.kind];
  return check(store, manifest, group.tasks);
}

/** The same for all groups that a run trains. @throws DataError when none of its tasks can be trained and no model serves */
export async function checkRun(
  store: ObjectStore,
  manifest: RunManifest,
): Promise<Omit<GroupCheck, 'tasks'>> {
  const leftOut: LeftOut[] = [];
  const warnings: LeftOut[] = [];
  let served = 0;
  for (const group of manifest.groups) {
    if (manifest.champions[group.name]) {
      served += group.tasks.length;
      continue;
    }
    const checked = await checkGroup(store, manifest, group);
    served += checked.tasks.length;
    leftOut.push(...checked.leftOut);
    warnings.push(...checked.warnings);
  }
  if (served === 0) throw nothingToTrain(leftOut);
  return { leftOut, warnings };
}

export function nothingToTrain(leftOut: readonly LeftOut[]): DataError {
  const told = leftOut.map(({ task, why }) => `task ${task}: ${why}`).join('; ');
  return new DataError(leftOut.length === 1 ? told : `no task can be trained yet: ${told}`);
}

async function checkUserTasks(
  store: ObjectStore,
  manifest: RunManifest,
  tasks: readonly string[],
): Promise<GroupCheck> {
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const first = await historyStart(store, manifest, asOf);
  const why = first === undefined ? `no events lie before ${manifest.asOf}` : tooYoung(config, first, asOf);
  if (first === undefined || why) {
    return { tasks: [], leftOut: tasks.map((task) => ({ task, why: why! })), warnings: [] };
  }
  const counters = userHeads(config, tasks, asOf - first).map(
    ({ task, bins }) => new OutcomeCounter(task, userTask(config, task), bins, config, first, asOf),
  );
  for await (const { user } of eachUser(store, manifest, asOf)) for (const each of counters) each.add(user);
  const leftOut = counters.flatMap((counter) => counter.whyNot() ?? []);
  const without = new Set(leftOut.map(({ task }) => task));
  return {
    tasks: tasks.filter((task) => !without.has(task)),
    leftOut,
    warnings: counters.flatMap((counter) => (without.has(counter.name) ? [] : (counter.warning() ?? []))),
  };
}

function tooYoung(config: Config, first: number, asOf: number): string | undefined {
  if (cutoffGrid(config, first, asOf).length > 0) return undefined;
  return `the history begins on ${formatDay(first)}, too shortly before ${formatDay(asOf)}: a few days of it are needed`;
}

/** Counts users by what they did in the parts of past windows that are over. */
class OutcomeCounter {
  readonly name: string;
  readonly #task: UserTask;
  readonly #type: number;
  /** Cut-offs with the days of their window that are over, in whole parts. */
  readonly #windows: { readonly cutoff: number; readonly over: number }[];
  readonly #firstPart: number;
  readonly #first: number;
  readonly #asOf: number;
  #ever = 0;
  #did = 0;
  #didNot = 0;

  constructor(name: string, task: UserTask, bins: number, config: Config, first: number, asOf: number) {
    this.name = name;
    this.#task = task;
    this.#type = eventCode(task.event);
    this.#first = first;
    this.#asOf = asOf;
    const ends = binEdges(task.horizonDays, bins).slice(1);
    this.#firstPart = ends[0]!;
    this.#windows = cutoffGrid(config, first, asOf).flatMap((cutoff) => {
      const over = ends.findLast((end) => cutoff + end <= asOf);
      return over === undefined ? [] : [{ cutoff, over }];
    });
  }

  add({ days: all }: ShardUser): void {
    const days: number[] = [];
    for (const { day, entries, start, end } of all) {
      for (let i = start; i < end; i++) {
        if (entries.type[i] !== this.#type) continue;
        days.push(day);
        break;
      }
    }
    if (days.length === 0) return;
    this.#ever++;
    let [did, didNot] = [false, false];
    for (const { cutoff, over } of this.#windows) {
      const last = days.findLast((day) => day < cutoff);
      if (last === undefined) continue;
      if (this.#task.kind === 'absence' && last < cutoff - this.#task.activeDays) continue;
      if (days.some((day) => day >= cutoff && day < cutoff + over)) did = true;
      // A window is learnt part by part: a quiet first part teaches, whatever comes after it.
      if (!days.some((day) => day >= cutoff && day < cutoff + this.#firstPart)) didNot = true;
    }
    if (did) this.#did++;
    if (didNot) this.#didNot++;
  }

  whyNot(): LeftOut | undefined {
    const { event, horizonDays } = this.#task;
    const before = formatDay(this.#asOf);
    const because = (why: string) => ({ task: this.name, why });
    if (this.#ever === 0) return because(`nobody had an event "${event}" before ${before}`);
    if (this.#windows.length === 0) {
      const needed = this.#firstPart + MIN_HISTORY_DAYS;
      const parts =
        this.#firstPart < horizonDays
          ? `a window of ${days(horizonDays)} is learnt in parts of ${days(this.#firstPart)}`
          : `its window is of ${days(horizonDays)}`;
      return because(
        `${parts}, which needs about ${days(needed)} of history, and there are ${days(this.#asOf - this.#first)} ` +
          `(from ${formatDay(this.#first)} to ${formatDay(this.#asOf - 1)}): drop older events, or shorten horizonDays`,
      );
    }
    if (this.#did >= FEWEST && this.#didNot >= FEWEST) return undefined;
    const asked = this.#task.kind === 'absence' ? 'active users' : `users who had an event "${event}" before`;
    return because(
      `of the ${asked} ${this.#did} had an event "${event}" in a window that was over before ${before}, and ` +
        `${this.#didNot} had none in its first ${days(this.#firstPart)}; at least ${FEWEST} of each are needed`,
    );
  }

  warning(): LeftOut | undefined {
    const { horizonDays } = this.#task;
    const longest = Math.max(...this.#windows.map(({ over }) => over));
    if (longest >= horizonDays) return undefined;
    const why =
      `no whole window of ${days(horizonDays)} was over before ${formatDay(this.#asOf)}: it is learnt from the first ` +
      `${days(longest)} of it, and how good its scores are cannot be measured yet`;
    return { task: this.name, why };
  }
}

const days = (n: number): string => (n === 1 ? '1 day' : `${n.toLocaleString('en-GB')} days`);

/** Lists can always be ranked, by fixed weights if nothing can be learnt, as long as somebody ever had an item. */
async function checkListTask(
  store: ObjectStore,
  manifest: RunManifest,
  [name = '']: readonly string[],
): Promise<GroupCheck> {
  const task = manifest.config.tasks[name];
  if (task?.kind !== 'next') throw new DataError(`${name} is no list task`);
  const type = eventCode(task.event);
  for await (const { user } of eachUser(store, manifest, parseDay(manifest.asOf!))) {
    for (const { entries, start, end } of user.days) {
      for (let i = start; i < end; i++) {
        if (entries.type[i] === type && entries.item[i]! >= 0) {
          return { tasks: [name], leftOut: [], warnings: [] };
        }
      }
    }
  }
  const why = `nobody had an event "${task.event}" with an item before ${manifest.asOf}`;
  return { tasks: [], leftOut: [{ task: name, why }], warnings: [] };
}

async function checkTable(
  store: ObjectStore,
  manifest: RunManifest,
  [name = '']: readonly string[],
): Promise<GroupCheck> {
  const { positive } = labelTask(manifest.config, name);
  const leave = (why: string) => ({ tasks: [], leftOut: [{ task: name, why }], warnings: [] });
  try {
    const { train, labels } = await readLabelled(store, manifest, name);
    const positives = train.reduce((sum, row) => sum + labels[row]!, 0);
    const negatives = train.length - positives;
    if (positives >= FEWEST && negatives >= FEWEST) return { tasks: [name], leftOut: [], warnings: [] };
    return leave(
      `of its training rows ${positives} have the label "${positive}" and ${negatives} have not; at least ${FEWEST} of ` +
        'each are needed',
    );
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return leave(error.message.replace(`task ${name}: `, '').replace(`task ${name} `, ''));
  }
}
