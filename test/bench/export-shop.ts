import { type Config, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, sha256, shardOf, userHash } from '../../lib/data/index.ts';
import type { ShardScores } from '../../lib/models/index.ts';
import { putManifest, scoresKey, taskGroups } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { encodeScores } from '../../lib/score/index.ts';
import { nightOf } from './night.ts';
import { FIRST_DAY } from './shop.ts';
import { unit } from './support.ts';

/** A scored night of a generated shop, with the scores alone: three yes-or-no tasks with reasons, and one list. */

export const BENCH_KEY = new Uint8Array(64).fill(7);

const TASKS = ['churn', 'purchase', 'return'];
const GROUPS = [
  'time since last activity',
  'how often',
  'money spent',
  'rhythm of activity',
  'variety of items',
];

const exportConfig = (shards: number): Config =>
  parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: {
      churn: { kind: 'absence', horizonDays: 30, activeDays: 90 },
      purchase: { kind: 'event', horizonDays: 30 },
      return: { kind: 'event', event: 'return', horizonDays: 30 },
      preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 30, k: 5 },
    },
    shards,
  });

/**
 * Writes the scores of as many users.
 * @param emails every user has an address, too
 * @returns the run
 */
export async function writeScores(
  store: ObjectStore,
  users: number,
  shards: number,
  emails = false,
): Promise<string> {
  const config = exportConfig(shards);
  const champions = Object.fromEntries(taskGroups(config).map(({ name }) => [name, 'v1']));
  const runId = await putManifest(store, nightOf(config, [], FIRST_DAY, champions));
  const pseudonyms = createPseudonyms(BENCH_KEY);
  const ids = Array.from({ length: users }, (_, i) => `customer-${i}`);
  const names = pseudonyms.sealAll(ids);
  const hashes = Uint32Array.from(names, userHash);
  const byShard = Array.from({ length: shards }, (): number[] => []);
  for (let i = 0; i < users; i++) byShard[shardOf(hashes[i]!, shards)]!.push(i);
  for (const [shard, rows] of byShard.entries()) {
    rows.sort((a, b) => hashes[a]! - hashes[b]! || (names[a]! < names[b]! ? -1 : 1));
    const scores = shardOfScores(rows, names, hashes, emails);
    await store.put(scoresKey(runId, shard), encodeScores(scores, { runId, shard: String(shard) }));
  }
  return runId;
}

function shardOfScores(
  rows: readonly number[],
  names: readonly string[],
  hashes: Uint32Array,
  emails: boolean,
): ShardScores {
  const task = (number: number) => {
    // A tenth is not asked; many of the others have a logit in common, as users without a history do.
    const logit = Float64Array.from(rows, (i) => {
      const drawn = unit(i, number);
      if (drawn < 0.1) return Number.NaN;
      return drawn < 0.3 ? -3.25 : 6 * unit(i, number + 100) - 5;
    });
    const probability = logit.map((value) => 1 / (1 + Math.exp(-value)));
    const reasons = rows.map((i, at) => (Number.isNaN(logit[at]!) ? null : reasonsOf(i, number)));
    return { logit, probability, reasons };
  };
  return {
    users: rows.map((i) => names[i]!),
    hashes: Uint32Array.from(rows, (i) => hashes[i]!),
    tasks: Object.fromEntries(TASKS.map((name, number) => [name, task(number)])),
    lists: { preference: rows.map((i) => (unit(i, 7) < 0.1 ? null : listOf(i))) },
    values: {},
    ...(emails ? { emails: rows.map((i) => sha256(`customer-${i}@example.com`)) } : {}),
  };
}

const reasonsOf = (user: number, task: number): string =>
  JSON.stringify(
    [0, 1, 2].map((place) => ({
      name: GROUPS[(user + place + task) % GROUPS.length],
      value: Number((2 * unit(user, task * 10 + place) - 1).toPrecision(4)),
    })),
  );

const listOf = (user: number): string =>
  JSON.stringify(
    [0, 1, 2, 3, 4].map((place) => ({
      name: `item-${Math.floor(unit(user, 200 + place) ** 2 * 20_000)}`,
      value: Number((5 - place - unit(user, 300 + place)).toPrecision(4)),
    })),
  );
