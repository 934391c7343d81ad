import { type Config, type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, sha256, shardOf, stableUnit } from '../../lib/data/index.ts';
import type { ShardScores } from '../../lib/models/index.ts';
import { putManifest, scoresKey, taskGroups } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { encodeScores } from '../../lib/score/index.ts';
import { nightOf } from '../bench/night.ts';

/** A scored night that is made up: its scores are chosen, so that what an export must say of them can be worked out. */

export const KEY = new Uint8Array(64).fill(13);
export const SHARDS = 8;
const CONTROL_SHARE = 0.1;
export const TASKS = ['churn', 'purchase'] as const;

export interface ScoredUser {
  readonly id: string;
  readonly pseudonym: string;
  readonly hash: number;
  readonly control: boolean;
  /** NaN where the task does not ask the user. */
  readonly logits: Readonly<Record<(typeof TASKS)[number], number>>;
  readonly reasons: string | null;
  readonly list: string | null;
  /** SHA-256 of the address. */
  readonly email: string | null;
}

const ODD_IDS = [
  '',
  '007',
  'a,b',
  'a "b"',
  'two\nlines',
  'back\r',
  '#1',
  ' blank ',
  'ä',
  '\ue000',
  '😀',
  'nul\0x',
  'NULL',
];
const users = 1200;

/** Users whose logits and hashes are often equal, with ids that need care in a file. */
export function madeUpUsers(): ScoredUser[] {
  const pseudonyms = createPseudonyms(KEY);
  const ids = [...ODD_IDS, ...Array.from({ length: users - ODD_IDS.length }, (_, i) => `c${i}`)];
  return ids.map((id, i) => {
    const pseudonym = pseudonyms.seal(id);
    const draw = (salt: string) => stableUnit(salt, id);
    const logit = (salt: string) => {
      const drawn = draw(salt);
      if (drawn < 0.2) return Number.NaN;
      if (drawn < 0.5) return drawn < 0.35 ? -0 : 0;
      return drawn < 0.9 ? Math.round(drawn * 40) - 30 : 8 * drawn - 7.3;
    };
    return {
      id,
      pseudonym,
      // A hundred different ones: equal hashes with equal logits are decided by the id.
      hash: Math.floor(draw('hash') * 100) * 42_949_672,
      control: stableUnit('control', pseudonym) < CONTROL_SHARE,
      logits: { churn: logit('churn'), purchase: logit('purchase') },
      reasons: i % 7 === 0 ? null : JSON.stringify([{ name: `how "often", ${i % 3}`, value: i / 8 - 3 }]),
      list:
        i % 5 === 0
          ? null
          : JSON.stringify([
              { name: id, value: null },
              { name: 'b', value: -1e-9 },
            ]),
      // Some share one, some have none.
      email: i % 11 === 0 ? null : sha256(`${i % 400}@example.com`),
    };
  });
}

const config = (exports: ConfigInput['exports']): Config =>
  parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: {
      churn: { kind: 'absence', horizonDays: 30, activeDays: 90 },
      purchase: { kind: 'event', horizonDays: 30 },
      preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 30, k: 2 },
    },
    exports: { controlShare: CONTROL_SHARE, ...exports },
    shards: SHARDS,
  });

/** @returns the run */
export async function putScored(
  store: ObjectStore,
  all: readonly ScoredUser[],
  exports: ConfigInput['exports'] = {},
): Promise<string> {
  const settings = config(exports);
  const champions = Object.fromEntries(taskGroups(settings).map(({ name }) => [name, 'v1']));
  const runId = await putManifest(store, nightOf(settings, [], 20_000, champions));
  for (let shard = 0; shard < SHARDS; shard++) {
    const rows = all
      .filter(({ hash }) => shardOf(hash, SHARDS) === shard)
      .sort((a, b) => a.hash - b.hash || (a.pseudonym < b.pseudonym ? -1 : 1));
    await store.put(scoresKey(runId, shard), encodeScores(scoresOf(rows), { runId }));
  }
  return runId;
}

function scoresOf(rows: readonly ScoredUser[]): ShardScores {
  const of = (task: (typeof TASKS)[number]) => {
    const logit = Float64Array.from(rows, ({ logits }) => logits[task]);
    return {
      logit,
      probability: logit.map((value) => 1 / (1 + Math.exp(-value))),
      reasons: rows.map(({ reasons }, i) => (Number.isNaN(logit[i]) ? null : reasons)),
    };
  };
  return {
    users: rows.map(({ pseudonym }) => pseudonym),
    hashes: Uint32Array.from(rows, ({ hash }) => hash),
    tasks: { churn: of('churn'), purchase: of('purchase') },
    lists: { preference: rows.map(({ list }) => list) },
    values: {},
    emails: rows.map(({ email }) => email),
  };
}
