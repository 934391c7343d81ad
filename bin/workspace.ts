import { join, resolve } from 'node:path';
import { type Config, loadConfig } from '../lib/config/index.ts';
import type { DropState } from '../lib/run/index.ts';
import {
  type LocalBatch,
  markAtWork,
  type ObjectStore,
  openFolderStore,
  openLocalBatch,
} from '../lib/runtime/index.ts';
import { runArguments } from './home.ts';
import { ingest } from './local/ingest.ts';
import { checkOwner, homeOf } from './local/owner.ts';

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
  /** Brings every dropped object to its end; what could not be is pending, with the reason. */
  ingest(onProgress: (text: string) => void): Promise<DropState[]>;
}

export interface WorkspaceOptions {
  readonly config: string;
  readonly store?: string | undefined;
  /** Take over a bucket that says it is another shop's. */
  readonly adopt?: boolean | undefined;
  /** Only look: the bucket is not marked as this config's, if it is nobody's yet. */
  readonly looking?: boolean;
  /** The command that is to be the only one at work on the bucket until this process ends; absent: it does not process. */
  readonly working?: string;
}

/**
 * Opens the workspace of a config file.
 * @throws ConfigError, also where the bucket is another shop's; AtWork where another command is at work on it
 */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const { config, folder, file } = await loadConfig(options.config);
  const home = homeOf(file);
  const root = resolve(options.store ?? join(home, 'bucket'));
  const keyFile = resolve(options.store ? `${root}.key` : join(home, 'pseudonym.key'));
  // What a killed process leaves is whole; a power cut may cost the last objects, which are made again from the drops.
  const store = await openFolderStore(root, { durable: false });
  await checkOwner({ store, root, config, file }, options);
  if (options.working !== undefined) await markAtWork(root, options.working);
  return {
    config,
    folder,
    store,
    root,
    keyFile,
    batch: (onProgress) => openJobs({ root, keyFile, onProgress }),
    ingest: (onProgress) => ingest({ config, store, keyFile, onProgress }),
  };
}

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
