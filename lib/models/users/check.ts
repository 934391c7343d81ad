import type { Config } from '../../config/index.ts';
import { eventCode, formatDay, parseDay } from '../../data/index.ts';
import { isAsked, type Population, populationOf, type ShardUser } from '../../features/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import {
  type Asked,
  cutoffGrid,
  ENOUGH_OF_EACH,
  eachUser,
  FEWEST_OF_EACH as FEWEST,
  historyStart,
  type LeftOut,
  MIN_HISTORY_DAYS,
  openAsking,
  type Scarce,
} from '../shared/index.ts';
import { binEdges, namedTasks, type UserTask, userHeads, userTask } from './user-rows.ts';

/** Is there enough to learn the tasks from: history, and users of either outcome? */
export async function checkUserTasks({
  store,
  manifest,
  group,
  users: open,
}: CheckContext): Promise<GroupCheck> {
  const { tasks } = group;
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const users = await open();
  const first = await historyStart(users, asOf);
  const why = first === undefined ? `no events lie before ${manifest.asOf}` : tooYoung(config, first, asOf);
  if (first === undefined || why) {
    return { tasks: [], leftOut: tasks.map((task) => ({ task, why: why! })), warnings: [] };
  }
  const counters = userHeads(config, tasks, asOf - first).map(
    ({ task, bins }) => new OutcomeCounter(task, userTask(config, task), bins, config, first, asOf),
  );
  const asking = await openAsking(store, manifest, namedTasks(config, tasks));
  const cutoffs = cutoffGrid(config, first, asOf);
  let asked: Asked | undefined;
  let of: number | undefined;
  for await (const { user, shard, walk } of eachUser(users, asOf)) {
    if (of !== shard || !asked) [of, asked] = [shard, await asking.shard(shard, walk, cutoffs)];
    const { meets } = asked;
    counters.forEach((each, t) => {
      each.add(user, (cutoff) => meets(t, user.user, cutoff));
    });
  }
  const leftOut = counters.flatMap((counter) => counter.whyNot() ?? []);
  const scarce = counters.flatMap((counter) => counter.scarce() ?? []);
  const without = new Set(leftOut.map(({ task }) => task));
  return {
    tasks: tasks.filter((task) => !without.has(task)),
    leftOut,
    warnings: counters.flatMap((counter) => (without.has(counter.name) ? [] : counter.warnings())),
    ...(scarce.length > 0 ? { scarce } : {}),
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
  readonly #population: Population;
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
    this.#population = populationOf(task);
    this.#first = first;
    this.#asOf = asOf;
    const ends = binEdges(task.horizonDays, bins).slice(1);
    this.#firstPart = ends[0]!;
    this.#windows = cutoffGrid(config, first, asOf).flatMap((cutoff) => {
      const over = ends.findLast((end) => cutoff + end <= asOf);
      return over === undefined ? [] : [{ cutoff, over }];
    });
  }

  /** @param meets is a condition met on that day? */
  add({ days: all, outcomes, joinsAt }: ShardUser, meets: (cutoff: number) => boolean): void {
    const days: number[] = [];
    for (const { day, entries, start, end } of outcomes) {
      for (let i = start; i < end; i++) {
        if (entries.type[i] !== this.#type) continue;
        days.push(day);
        break;
      }
    }
    if (days.length > 0) this.#ever++;
    let [did, didNot] = [false, false];
    for (const { cutoff, over } of this.#windows) {
      if (cutoff >= joinsAt) continue;
      const event = days.findLast((day) => day < cutoff);
      const anything = all.findLast(({ day }) => day < cutoff)?.day;
      if (!isAsked(this.#population, { event, anything }, cutoff) || !meets(cutoff)) continue;
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
    if (this.scarce() || Math.min(this.#did, this.#didNot) >= FEWEST) return undefined;
    return because(
      `of the ${asked(this.#population, event)} ${this.#did} had an event "${event}" in a window that was over before ${before}, and ` +
        `${this.#didNot} had none in its first ${days(this.#firstPart)}; at least ${FEWEST} of each are needed`,
    );
  }

  /** Of who has had the event before something is believed beforehand, so that too few outcomes are no reason to say nothing. */
  scarce(): Scarce | undefined {
    const least = Math.min(this.#did, this.#didNot);
    const { who } = this.#population;
    if (this.#ever === 0 || this.#windows.length === 0 || least >= ENOUGH_OF_EACH) return undefined;
    if (who !== 'buyers' && who !== 'active') return undefined;
    const { event } = this.#task;
    const alone = least < FEWEST;
    const missing = [
      ...(this.#did < ENOUGH_OF_EACH ? [`${ENOUGH_OF_EACH - this.#did} who had one`] : []),
      ...(this.#didNot < ENOUGH_OF_EACH ? [`${ENOUGH_OF_EACH - this.#didNot} who had none`] : []),
    ];
    const why =
      `there is little data: of the ${asked(this.#population, event)} ${this.#did} had an event "${event}" in a window that was over ` +
      `before ${formatDay(this.#asOf)}, and ${this.#didNot} had none in its first ${days(this.#firstPart)}. ${ENOUGH_OF_EACH} of each are ` +
      `enough to go by the shop's own data: ${missing.join(' and ')} are missing. Until then ` +
      (alone
        ? "scores are those of a model of the customer base alone, which begins with another shop's published figures"
        : "a model of the customer base takes part in the scores, which begins with another shop's published figures");
    return {
      task: this.name,
      did: this.#did,
      didNot: this.#didNot,
      needed: ENOUGH_OF_EACH,
      alone,
      why,
    };
  }

  warnings(): LeftOut[] {
    const scarce = this.scarce();
    const open = this.#openWindow();
    return [...(scarce?.alone ? [{ task: this.name, why: scarce.why }] : []), ...(open ? [open] : [])];
  }

  #openWindow(): LeftOut | undefined {
    const { horizonDays } = this.#task;
    const longest = Math.max(...this.#windows.map(({ over }) => over));
    if (longest >= horizonDays) return undefined;
    const why =
      `no whole window of ${days(horizonDays)} was over before ${formatDay(this.#asOf)}: it is learnt from the first ` +
      `${days(longest)} of it, and how good its scores are cannot be measured yet`;
    return { task: this.name, why };
  }
}

/** Who was asked, behind "of the". */
function asked(population: Population, event: string): string {
  switch (population.who) {
    case 'buyers':
      return `users who had an event "${event}" before`;
    case 'active':
      return 'active users';
    case 'where':
      return `users who met the condition ${population.condition}`;
    case 'known':
      return `users who had done anything in the ${days(population.days)} before`;
    case 'prospects':
      return `users who had done something in the ${days(population.days)} before, but never had an event "${event}",`;
  }
}

const days = (n: number): string => (n === 1 ? '1 day' : `${n.toLocaleString('en-GB')} days`);
