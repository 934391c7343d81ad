import { type EventType, formatDay, parseDay } from '../data/index.ts';
import { readRunHead, scoresKey } from '../run/index.ts';
import { getBytes, type ObjectStore, readJson } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';

/** What an exported run said of its users before a campaign. */
export interface EarlierScores {
  readonly task: string;
  /** 'YYYY-MM-DD' */
  readonly asOf: string;
  /** Probabilities by pseudonym; who was not asked is not in it. */
  readonly probabilities: ReadonlyMap<string, number>;
}

const CURRENT = /^exports\/as_of=(\d{4}-\d{2}-\d{2})\/current\.json$/;

/**
 * The scores of the latest finished export as of a day or of an earlier one: of the task that asks about the event, and of
 * several the one whose horizon is closest to the window.
 * @param day shop day; scores as of it know nothing of it
 * @returns undefined where there is no such export or task, or its scores were deleted since
 */
export async function earlierScores(
  store: ObjectStore,
  day: number,
  { event, days }: { event: EventType; days: number },
  wanted: (user: string) => boolean,
): Promise<EarlierScores | undefined> {
  const asOf = await latestExport(store, day);
  if (asOf === undefined) return undefined;
  const { runId = '' } =
    (await readJson<{ runId: string }>(store, `exports/as_of=${asOf}/current.json`)) ?? {};
  const { config, groups, shards } = await readRunHead(store, runId);
  const scored = groups.flatMap(({ tasks }) => tasks);
  const [task] = Object.entries(config.tasks)
    .flatMap(([name, one]) =>
      one.kind === 'event' && one.event === event && scored.includes(name)
        ? [{ name, off: Math.abs(one.horizonDays - days) }]
        : [],
    )
    .sort((a, b) => a.off - b.off || (a.name < b.name ? -1 : 1));
  if (!task) return undefined;
  const probabilities = new Map<string, number>();
  for (let shard = 0; shard < shards; shard++) {
    const key = scoresKey(runId, shard);
    const bytes = await getBytes(store, key);
    const scores = bytes && decodeScores(bytes, key);
    const own = scores?.tasks[task.name];
    // Not of this task, or deleted since: half of the users would be worse than none.
    if (!own) return undefined;
    for (const [row, user] of scores.users.entries()) {
      const probability = own.probability[row]!;
      if (wanted(user) && !Number.isNaN(probability)) probabilities.set(user, probability);
    }
  }
  return { task: task.name, asOf, probabilities };
}

async function latestExport(store: ObjectStore, day: number): Promise<string | undefined> {
  let latest: number | undefined;
  for await (const { key } of store.list('exports/as_of=')) {
    const [, text] = CURRENT.exec(key) ?? [];
    if (text === undefined) continue;
    const asOf = parseDay(text);
    if (asOf <= day && asOf > (latest ?? Number.NEGATIVE_INFINITY)) latest = asOf;
  }
  return latest === undefined ? undefined : formatDay(latest);
}
