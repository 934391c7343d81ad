import { createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import type { DayInput, SnapshotInfo } from '../../lib/features/index.ts';
import { finetuneRun } from '../../lib/models/index.ts';
import { putManifest, type RunManifest } from '../../lib/run/index.ts';
import { snapshotInfoKey } from '../../lib/run/keys.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import { counted } from '../bench/counted-store.ts';
import { nightOf } from '../bench/night.ts';
import { FIRST_DAY, openShop, shopConfig, writeDays } from '../bench/shop.ts';

/** Requests of each stage once a shop has so many drops behind it, one a day. */
export interface StageRequests {
  readonly drops: number;
  /** The first training, which packs what lies there. */
  readonly firstTraining: number;
  /** A training a week later. */
  readonly training: number;
  /** Scoring a night that goes on from the states of an earlier one, with the drop of its last day. */
  readonly score: number;
  readonly export: number;
}

const SHARDS = 4;
const USERS = 60;
const pseudonyms = createPseudonyms(new Uint8Array(64).fill(3));
const now = () => new Date(0);
const quiet = { progress: () => {} };

/** Runs a first night, one a week later that trains anew, and one the day after; counts what is asked of the store. */
export async function stageRequests(plain: ObjectStore, drops: number): Promise<StageRequests> {
  const { store, calls } = counted(plain);
  const config = {
    ...shopConfig(SHARDS, 1),
    // What is fitted makes no difference to what is read: the quickest will do.
    model: { ...shopConfig(SHARDS, 1).model, families: ['logistic' as const], layers: 0 },
  };
  const shop = openShop({ users: USERS, daily: 0.3, lines: 2 }, (id) => pseudonyms.seal(id));
  const { inputs } = await writeDays(store, config, shop, 0, drops);
  const later = await writeDays(store, config, shop, drops, drops + 8);
  const count = async (work: () => Promise<unknown>): Promise<number> => {
    const before = calls.requests;
    await work();
    return calls.requests - before;
  };
  const manifest = async (days: number, change: Partial<RunManifest>): Promise<string> => {
    const listed: DayInput[] = [...inputs, ...later.inputs].slice(0, days);
    const night = nightOf(config, listed, FIRST_DAY + days, {});
    const champions = Object.fromEntries(night.groups.map(({ name }) => [name, null]));
    return putManifest(store, { ...night, champions, ...change });
  };
  const score = (runId: string) => scoreRun({ store, runId, shards: { from: 0, to: SHARDS }, ...quiet });
  const exported = (runId: string) => exportRun({ store, runId, pseudonyms, now, ...quiet });
  const first = await manifest(drops, {});
  const firstTraining = await count(() => finetuneRun({ store, runId: first, ...quiet }));
  await score(first);
  await exported(first);
  const second = await manifest(drops + 7, { purpose: 'training' });
  let champions: Record<string, string> = {};
  const training = await count(async () => {
    champions = await finetuneRun({ store, runId: second, ...quiet });
  });
  const snapshot = (await readJson<SnapshotInfo>(store, snapshotInfoKey(first)))!;
  const third = await manifest(drops + 8, { champions, snapshot });
  const scored = await count(() => score(third));
  return { drops, firstTraining, training, score: scored, export: await count(() => exported(third)) };
}
