import { formatDay, NightjarError, parseDay, shardOf } from '../data/index.ts';
import {
  eachUser,
  FAMILIES,
  type OutcomeCollector,
  type Outcomes,
  type ShardScores,
} from '../models/index.ts';
import { dayInputs, openUsers, type RunManifest, scoresKey, tableScoresKey } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';

/** Last day of which the run's inputs hold events; undefined without events. */
export function dataThrough(manifest: RunManifest): number | undefined {
  const days = dayInputs(manifest).flatMap(({ maxDay }) => maxDay ?? []);
  return days.length > 0 ? Math.max(...days) : undefined;
}

/** Days from the as-of day that a task's outcome needs; 0 for labelled tables. */
export function horizonOf({ config }: Pick<RunManifest, 'config'>, name: string): number {
  const task = config.tasks[name];
  return task && 'horizonDays' in task ? (task.horizonDays ?? 0) : 0;
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
  const { store, runId, manifest, later, tasks: asked } = args;
  checkClosed(manifest, later, asked);
  const scoresAt = async (key: string) => decodeScores(await (await store.get(key)).bytes(), key);
  const outcomes: Record<string, Outcomes> = {};
  const collectors: OutcomeCollector[] = [];
  for (const group of manifest.groups) {
    const tasks = asked.filter((name) => group.tasks.includes(name));
    if (tasks.length === 0) continue;
    const context = { store, manifest, later: { ...later, shards: manifest.shards }, tasks };
    const family = FAMILIES[group.kind];
    if (family.over === 'users') collectors.push(await family.outcomes(context));
    else {
      const scores = await scoresAt(tableScoresKey(runId, group.tasks[0]!));
      Object.assign(outcomes, await family.outcomes(context, scores));
    }
  }
  if (collectors.length === 0) return outcomes;
  const end = parseDay(manifest.asOf!) + Math.max(...asked.map((name) => horizonOf(manifest, name)));
  let loaded: { shard: number; scores: ShardScores; rows: Map<string, number> } | undefined;
  const { shards } = manifest;
  for await (const { user, itemText } of eachUser(openUsers(store, { ...later, shards }), end)) {
    const shard = shardOf(user.hash, shards);
    if (loaded?.shard !== shard) {
      const scores = await scoresAt(scoresKey(runId, shard));
      loaded = { shard, scores, rows: new Map(scores.users.map((id, row) => [id, row])) };
    }
    const row = loaded.rows.get(user.user);
    if (row === undefined) continue; // First seen after the as-of day: nobody could know of them.
    for (const collector of collectors) collector.add(user, loaded.scores, row, itemText);
  }
  return Object.assign(outcomes, ...collectors.map((collector) => collector.outcomes));
}
