import type { NextTask } from '../config/index.ts';
import { eventCode, formatDay, NightjarError, parseDay, shardOf } from '../data/index.ts';
import { happens, type UserDay } from '../features/index.ts';
import { eachUser, userTask } from '../models/users/user-rows.ts';
import { labelTask, readLabelled } from '../models/table/train.ts';
import { openUnits, type UnitOf } from '../models/next/units.ts';
import { dayInputs, type RunManifest, scoresKey, tableScoresKey } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { decodeScores, type ShardScores } from '../score/index.ts';

/** Predictions of a yes-or-no task beside what then happened, for the task's population. */
export interface BinaryOutcomes {
  readonly kind: 'binary';
  /** Pseudonyms, or row numbers of a labelled table. */
  readonly ids: string[];
  readonly labels: number[];
  readonly probabilities: number[];
}

/** Lists beside what the users then took; only users who took something and had done so before. */
export interface ListedOutcomes {
  readonly kind: 'list';
  readonly ids: string[];
  readonly truth: ReadonlySet<string>[];
  readonly lists: string[][];
  readonly k: number;
}

export type Outcomes = BinaryOutcomes | ListedOutcomes;

/** Last day of which the run's inputs hold events; undefined without events. */
export function dataThrough(manifest: RunManifest): number | undefined {
  const days = dayInputs(manifest).flatMap(({ maxDay }) => maxDay ?? []);
  return days.length > 0 ? Math.max(...days) : undefined;
}

/** Days from the as-of day that a task's outcome needs; 0 for labelled tables. */
export function horizonOf(manifest: RunManifest, name: string): number {
  const task = manifest.config.tasks[name];
  return task === undefined || task.kind === 'label' ? 0 : task.horizonDays;
}

/** Is the whole label window of a task covered by events? */
export function isClosed(manifest: RunManifest, later: RunManifest, name: string): boolean {
  const horizon = horizonOf(manifest, name);
  return (
    horizon === 0 ||
    (dataThrough(later) ?? Number.NEGATIVE_INFINITY) >= parseDay(manifest.asOf!) + horizon - 1
  );
}

/** @throws NightjarError when the label window of a task is not covered by events */
export function checkClosed(manifest: RunManifest, later: RunManifest, tasks: readonly string[]): void {
  for (const name of tasks) {
    if (isClosed(manifest, later, name)) continue;
    const end = formatDay(parseDay(manifest.asOf!) + horizonOf(manifest, name) - 1);
    const last = dataThrough(later);
    throw new NightjarError(
      `task ${name} asks about the days from ${manifest.asOf} to ${end}, but events end on ` +
        `${last === undefined ? 'no day' : formatDay(last)}: drop the later days first, or choose an earlier --as-of`,
    );
  }
}

/**
 * Compares a run's scores with what happened from its as-of day on.
 * @param later a manifest whose inputs reach past the label windows; it may be the run's own
 * @throws NightjarError when the window of a task is not over in these inputs
 */
export async function collectOutcomes(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  later: RunManifest;
  tasks: readonly string[];
}): Promise<Record<string, Outcomes>> {
  const { store, runId, manifest, later, tasks } = args;
  checkClosed(manifest, later, tasks);
  const kindOf = (name: string) => manifest.config.tasks[name]?.kind;
  const outcomes: Record<string, Outcomes> = {};
  for (const name of tasks.filter((task) => kindOf(task) === 'label')) {
    outcomes[name] = await tableOutcomes(store, runId, manifest, name);
  }
  const overUsers = tasks.filter((task) => kindOf(task) !== 'label');
  if (overUsers.length > 0)
    Object.assign(outcomes, await userOutcomes(store, runId, manifest, later, overUsers));
  return outcomes;
}

async function userOutcomes(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  later: RunManifest,
  tasks: readonly string[],
): Promise<Record<string, Outcomes>> {
  const { config, shards } = manifest;
  const day = parseDay(manifest.asOf!);
  const end = day + Math.max(...tasks.map((name) => horizonOf(manifest, name)));
  const outcomes: Record<string, Outcomes> = {};
  const units = new Map<string, UnitOf>();
  for (const name of tasks) {
    const task = config.tasks[name]!;
    if (task.kind === 'next') {
      outcomes[name] = { kind: 'list', ids: [], truth: [], lists: [], k: task.k };
      units.set(name, (await openUnits(store, manifest, task)).at(day));
    } else outcomes[name] = { kind: 'binary', ids: [], labels: [], probabilities: [] };
  }
  let loaded: { shard: number; scores: ShardScores; rows: Map<string, number> } | undefined;
  for await (const { user, itemText } of eachUser(store, { ...later, shards }, end)) {
    const shard = shardOf(user.hash, shards);
    if (loaded?.shard !== shard) {
      const key = scoresKey(runId, shard);
      const scores = decodeScores(await (await store.get(key)).bytes(), key);
      loaded = { shard, scores, rows: new Map(scores.users.map((id, row) => [id, row])) };
    }
    const row = loaded.rows.get(user.user);
    if (row === undefined) continue; // First seen after the as-of day: nobody could know of them.
    for (const name of tasks) {
      const into = outcomes[name]!;
      if (into.kind === 'list') {
        const { horizonDays, event } = config.tasks[name] as NextTask;
        const unitsIn = (from: number, to: number) =>
          unitsBetween(user.days, from, to, eventCode(event), (id) => units.get(name)!(itemText(id)));
        const truth = unitsIn(day, day + horizonDays);
        // Lists are compared for those who took something, and whose taste could be known.
        if (truth.size === 0 || unitsIn(Number.NEGATIVE_INFINITY, day).size === 0) continue;
        into.ids.push(user.user);
        into.truth.push(truth);
        into.lists.push(listedNames(loaded.scores.lists[name]?.[row]));
        continue;
      }
      const task = userTask(config, name);
      const scores = loaded.scores.tasks[name]!;
      // The population as the run knew it: by now other versions of its events may count.
      if (Number.isNaN(scores.probability[row]!)) continue;
      const done = happens(user.days, day, task.horizonDays, eventCode(task.event));
      into.ids.push(user.user);
      into.labels.push(Number(done === (task.kind === 'event')));
      into.probabilities.push(scores.probability[row]!);
    }
  }
  return outcomes;
}

/** The names of a list as scores hold it. */
export function listedNames(json: string | null | undefined): string[] {
  const listed: { name: string }[] = JSON.parse(json ?? '[]');
  return listed.map(({ name }) => name);
}

/** Distinct units that a user's events of a type name on the days [from, to). */
function unitsBetween(
  days: readonly UserDay[],
  from: number,
  to: number,
  type: number,
  unitOf: (item: number) => string | undefined,
): Set<string> {
  const found = new Set<string>();
  for (const { day, entries, start, end } of days) {
    if (day < from || day >= to) continue;
    for (let i = start; i < end; i++) {
      if (entries.type[i] !== type || entries.item[i]! < 0) continue;
      const unit = unitOf(entries.item[i]!);
      if (unit !== undefined) found.add(unit);
    }
  }
  return found;
}

/** The test rows of a labelled table. */
async function tableOutcomes(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  name: string,
): Promise<BinaryOutcomes> {
  labelTask(manifest.config, name);
  const { rowIds, test, labels } = await readLabelled(store, manifest, name);
  const key = tableScoresKey(runId, name);
  const scores = decodeScores(await (await store.get(key)).bytes(), key);
  const place = new Map(scores.users.map((id, row) => [id, row]));
  const rows = Array.from(test, (row) => place.get(String(rowIds[row]))!);
  const own = scores.tasks[name]!;
  return {
    kind: 'binary',
    ids: rows.map((row) => scores.users[row]!),
    labels: Array.from(test, (row) => labels[row]!),
    probabilities: rows.map((row) => own.probability[row]!),
  };
}
