import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type CleanEntry, makeHandler as makeCleanHandler } from '../functions/clean/handler.ts';
import { makeHandler as makeFeaturesHandler } from '../functions/features/handler.ts';
import { prefixOf } from '../lib/clean/index.ts';
import { type Config, loadConfig } from '../lib/config/index.ts';
import { ConfigError, createPseudonyms, loadOrCreateKey, NightjarError } from '../lib/data/index.ts';
import { type DropState, listDrops } from '../lib/run/index.ts';
import {
  createLocalQueue,
  formatS3Event,
  type LocalBatch,
  type LocalQueue,
  notifyingStore,
  type ObjectStore,
  openFolderStore,
  openLocalBatch,
  pump,
} from '../lib/runtime/index.ts';
import { runArguments } from './home.ts';

/** Folder that stands for the bucket, beside the config, unless --store names another. */
const DEFAULT_STORE = '.nightjar';

/**
 * The local runtime: a folder for the bucket, queues in this process and child processes for batch jobs, under the very
 * handlers and jobs that run in the cloud.
 */
export interface Workspace {
  readonly config: Config;
  readonly folder: string;
  readonly store: ObjectStore;
  /** The folder that stands for the bucket. */
  readonly root: string;
  /** The file that holds the pseudonym key. It stands beside the bucket's folder, never inside. */
  readonly keyFile: string;
  batch(onProgress: (text: string) => void): LocalBatch;
  /** Brings every dropped object to its end. */
  ingest(onProgress: (text: string) => void): Promise<DropState[]>;
}

export interface WorkspaceOptions {
  readonly config: string;
  readonly store?: string | undefined;
}

/** Opens the workspace of a config file. @throws ConfigError */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const { config, folder } = await loadConfig(options.config);
  const root = resolve(options.store ?? join(folder, DEFAULT_STORE, 'bucket'));
  await mkdir(root, { recursive: true });
  const keyFile = resolve(options.store ? `${root}.key` : join(folder, DEFAULT_STORE, 'pseudonym.key'));
  const clean = createLocalQueue({ name: 'clean' });
  const features = createLocalQueue({ name: 'features' });
  // What a killed process leaves is whole; a power cut may cost the last objects, which are made again from the drops.
  const folderStore = await openFolderStore(root, { durable: false });
  const store = notifyingStore(folderStore, [
    { prefix: 'drop/', queue: clean },
    { prefix: 'clean/', queue: features },
  ]);
  return {
    config,
    folder,
    store,
    root,
    keyFile,
    batch: (onProgress) => openJobs({ root, keyFile, onProgress }),
    ingest: (onProgress) => ingest({ config, store, keyFile, clean, features, onProgress }),
  };
}

async function ingest(args: {
  config: Config;
  store: ObjectStore;
  keyFile: string;
  clean: LocalQueue;
  features: LocalQueue;
  onProgress: (text: string) => void;
}): Promise<DropState[]> {
  const { config, store, clean, features, onProgress } = args;
  const pseudonyms = createPseudonyms(await loadOrCreateKey(args.keyFile));
  const pending = (await listDrops(store, config)).filter((drop) => drop.state === 'pending');
  // Files that a person copied into the folder, and what a killed process left behind, sent no message.
  const queued = (await clean.depth()).waiting > 0;
  for (const drop of pending) {
    if (drop.clean) await features.send(event(drop.clean, drop.size));
    else if (!queued) await clean.send(event(drop.key, drop.size));
  }
  const failures: string[] = [];
  const report = (entry: CleanEntry) => {
    if (entry.status === 'failed') failures.push(entry.error);
  };
  const onError = (error: unknown) => {
    failures.push(error instanceof Error ? error.message : String(error));
  };
  let done = 0;
  await pump(clean, makeCleanHandler({ store, config, pseudonyms, report }), {
    // One drop is read while another is sorted.
    concurrency: 2,
    onResult: () => onProgress(`cleaned ${++done} of ${pending.length}`),
  });
  done = 0;
  await pump(features, makeFeaturesHandler({ store, config, onError }), {
    onResult: () => onProgress(`built day rows of ${++done}`),
  });
  const dead = (await clean.depth()).dead + (await features.depth()).dead;
  if (dead > 0) {
    throw new NightjarError(`${dead} objects could not be processed after several tries: ${failures[0]}`);
  }
  return listDrops(store, config);
}

const event = (key: string, size: number) => formatS3Event({ bucket: 'local', key, size, etag: '' });

function openJobs(args: { root: string; keyFile: string; onProgress: (text: string) => void }): LocalBatch {
  const command = (name: string) => ({
    command: process.execPath,
    args: runArguments(`containers/${name}/main`),
    env: { NIGHTJAR_STORE: args.root, NIGHTJAR_KEY_FILE: args.keyFile },
  });
  return openLocalBatch({
    commands: { finetune: command('finetune'), score: command('score'), export: command('export') },
    logs: `${args.root}.logs`,
    onProgress: ({ progress }) => args.onProgress(String(progress)),
  });
}

/**
 * Copies files under a source's prefix.
 * @returns keys
 */
export async function dropFiles(
  workspace: Workspace,
  source: string,
  files: readonly string[],
): Promise<string[]> {
  const known = workspace.config.sources[source];
  if (!known) {
    throw new ConfigError(
      `there is no source "${source}" in the config; it has: ${Object.keys(workspace.config.sources).join(', ')}`,
    );
  }
  const keys: string[] = [];
  for (const file of files) {
    const key = `${prefixOf(source, known)}${basename(file)}`;
    await workspace.store.put(key, createReadStream(file));
    keys.push(key);
  }
  return keys;
}
