import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWorkspace, type Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createPseudonyms, loadOrCreateKey, shardName } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { finetuneRun, type ShardScores, versionsOf } from '../../lib/models/index.ts';
import {
  listDrops,
  onlyTables,
  type PlannedRun,
  planRun,
  readManifest,
  type StageName,
  scoresKey,
  submitRun,
} from '../../lib/run/index.ts';
import type { JobDescription, JobRequest, ObjectStore } from '../../lib/runtime/index.ts';
import { decodeScores, scoreRun } from '../../lib/score/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

/** A whole night trains models: milliseconds that a busy machine may need. */
export const SLOW = 300_000;

/** What all nights of these tests seal user ids with. */
export const KEY = new Uint8Array(64).fill(11);

/** A shop of its own: a folder with the config, an empty bucket, and the common key. */
export async function openShop(config: ConfigInput): Promise<Workspace> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);
  await writeFile(join(folder, 'bucket.key'), KEY);
  return openWorkspace({ config: folder, store: join(folder, 'bucket') });
}

export async function dropAll(
  workspace: Workspace,
  files: Iterable<[string, string | Uint8Array]>,
): Promise<void> {
  for (const [name, content] of files) await workspace.store.put(`drop/log/${name}`, content);
}

/** The jobs of a run in this process, one after the other: what the containers do, without their start. */
export function inProcess(store: ObjectStore, keyFile: string) {
  const jobs = new Map<string, JobDescription>();
  const run: Record<StageName, (runId: string, children: number) => Promise<unknown>> = {
    finetune: (runId) => finetuneRun({ store, runId, progress: () => {} }),
    async score(runId, children) {
      const { shards } = await readManifest(store, runId);
      for (let i = 0; i < children; i++) {
        const range = { from: (i * shards) / children, to: ((i + 1) * shards) / children };
        await scoreRun({ store, runId, shards: range, progress: () => {} });
      }
    },
    async export(runId) {
      const pseudonyms = createPseudonyms(await loadOrCreateKey(keyFile));
      await exportRun({ store, runId, pseudonyms, now: () => new Date(0), progress: () => {} });
    },
  };
  return {
    async submit({ name, definition, environment }: JobRequest) {
      const { NIGHTJAR_RUN, NIGHTJAR_CHILDREN } = environment!;
      if (definition === 'clean') throw new Error('a night submits no cleaning');
      await run[definition](NIGHTJAR_RUN!, Number(NIGHTJAR_CHILDREN));
      jobs.set(name, { id: name, name, status: 'SUCCEEDED', createdAt: new Date(0) });
      return name;
    },
    describe: async (ids: readonly string[]) => ids.flatMap((id) => jobs.get(id) ?? []),
    list: async (name: string) => [...jobs.values()].filter((job) => job.name === name),
    wait: async (id: string) => jobs.get(id)!,
  };
}

/** Everything a night leaves that must not depend on how its events were delivered. */
export interface Night extends PlannedRun {
  /** SHA-256 of every export file but the manifest, by `exportName`. */
  readonly exports: Record<string, string>;
  readonly scores: ShardScores[];
  /** SHA-256 of every model file that served, by group and name. */
  readonly models: Record<string, string>;
  /** SHA-256 of every shard's snapshot. */
  readonly snapshots: string[];
}

/** Brings everything dropped to its end and scores a night. */
export async function night(workspace: Workspace, asOf: string | null): Promise<Night> {
  const { store, config } = workspace;
  const drops = await workspace.ingest(() => {});
  const run = await planRun({ store, config, drops, purpose: 'night', asOf });
  await finish(workspace, run);
  return lookAt(store, run);
}

/** All stages of a planned run. */
export async function finish({ store, keyFile }: Workspace, run: PlannedRun): Promise<void> {
  await submitRun({
    store,
    batch: inProcess(store, keyFile),
    ...run,
    stages: ['finetune', 'score', 'export'],
  });
}

export async function lookAt(store: ObjectStore, { runId, manifest }: PlannedRun): Promise<Night> {
  const versions = await versionsOf(store, runId, manifest);
  const models: Record<string, string> = {};
  for (const [group, version] of Object.entries(versions)) {
    for await (const { key } of store.list(`models/${group}/${version}/`)) {
      models[key] = await hashOf(store, key);
    }
  }
  const exports: Record<string, string> = {};
  for await (const { key } of store.list('exports/')) {
    if (!key.includes(`${runId}/`) || key.endsWith('.json')) continue;
    exports[exportName(key)] = await hashOf(store, key);
  }
  const scores: ShardScores[] = [];
  const snapshots: string[] = [];
  if (manifest.asOf !== null && !onlyTables(manifest)) {
    for (let shard = 0; shard < manifest.shards; shard++) {
      scores.push(decodeScores(await (await store.get(scoresKey(runId, shard))).bytes()));
    }
    for await (const { key } of store.list('snapshots/')) {
      if (key.includes(`/${runId}/${shardName(0).slice(0, 6)}`)) snapshots.push(await hashOf(store, key));
    }
  }
  return { runId, manifest, exports, scores, models, snapshots };
}

/** 'exports/users/csv/as_of=…/run=…/users.csv.gz' -> 'users/csv/users.csv.gz'; '…/_SUCCESS' -> '_SUCCESS' */
export function exportName(key: string): string {
  if (key.endsWith('/_SUCCESS')) return '_SUCCESS';
  return key.replace(/^exports\//, '').replace(/as_of=[^/]+\/run=[^/]+\//, '');
}

export async function hashOf(store: ObjectStore, key: string): Promise<string> {
  return createHash('sha256')
    .update(await (await store.get(key)).bytes())
    .digest('hex');
}

export const dropsOf = ({ store, config }: Workspace) => listDrops(store, config);
