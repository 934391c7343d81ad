import { cp } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { cleanDrop } from '../../lib/clean/index.ts';
import { type Config, type ConfigInput, deployOf, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, formatDay, parseDay } from '../../lib/data/index.ts';
import { buildDays, snapshotKey } from '../../lib/features/index.ts';
import { promote } from '../../lib/registry/index.ts';
import {
  currentKey,
  listDrops,
  readManifest,
  scoresKey,
  successKey,
  type TickArgs,
  type TickResult,
  tellSnapshot,
  tick,
  trainedKey,
  whyNotChampion,
} from '../../lib/run/index.ts';
import {
  type BatchRunner,
  type JobDescription,
  type JobFault,
  type JobRequest,
  type JobStatus,
  type ObjectStore,
  openFolderStore,
  putJson,
} from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

export const ZONE = 'Europe/Berlin';
/** A Wednesday in winter: the shop is one hour ahead of UTC. */
export const TODAY = '2025-01-15';
export const at = (time: string, day = TODAY) => new Date(`${day}T${time}:00+01:00`);
export const NIGHT = at('02:30');
export const DEADLINE = at('05:00');

export interface Shop {
  readonly root: string;
  readonly store: ObjectStore;
  readonly config: Config;
}

export async function openShop(changes: Partial<ConfigInput> = {}): Promise<Shop> {
  const root = await temporaryFolder();
  return { root, store: await openFolderStore(root, { durable: false }), config: shopConfig(changes) };
}

export const shopConfig = (changes: Partial<ConfigInput> = {}): Config =>
  parseConfig({
    shop: { timeZone: ZONE },
    sources: {
      log: {
        format: 'csv',
        table: 'events',
        columns: { user: 'customer', time: '"at"', type: "'purchase'" },
      },
    },
    tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 7 } },
    shards: 4,
    ...changes,
  });

/** The same shop in another folder. */
export async function copyOf({ root, config }: Shop): Promise<Shop> {
  const copy = await temporaryFolder();
  await cp(root, copy, { recursive: true, preserveTimestamps: true });
  return { root: copy, store: await openFolderStore(copy, { durable: false }), config };
}

export const daysBefore = (day: string, days: number) => formatDay(parseDay(day) - days);

/** A file with one purchase at noon of each day. */
export const purchases = (...days: string[]) =>
  `customer,at\n${days.map((day, i) => `C-${i},${day} 12:00:00\n`).join('')}`;

export const dropped = (shop: Shop, name: string, text: string) => shop.store.put(`drop/log/${name}`, text);

/** Brings everything dropped to its end. */
export async function ingest({ store, config }: Shop): Promise<void> {
  const pseudonyms = createPseudonyms(new Uint8Array(64).fill(5));
  for (const { key, state } of await listDrops(store, config)) {
    if (state === 'pending') await cleanDrop({ store, config, pseudonyms, key });
  }
  for (const drop of await listDrops(store, config)) {
    if (drop.state === 'pending') await buildDays({ store, config, cleanKey: drop.clean! });
  }
}

/** Brings one drop to its end. */
export async function cleanOne(
  { store, config }: Pick<Shop, 'store' | 'config'>,
  key: string,
): Promise<void> {
  const pseudonyms = createPseudonyms(new Uint8Array(64).fill(5));
  const result = await cleanDrop({ store, config, pseudonyms, key, engine: { threads: 1 } });
  if (result.status !== 'clean' || result.quality.status !== 'clean' || result.quality.clean === 0) return;
  await buildDays({ store, config, cleanKey: result.keys.clean! });
}

/** A shop with 30 days of purchases up to yesterday, cleaned. */
export async function readyShop(changes: Partial<ConfigInput> = {}): Promise<Shop> {
  const shop = await openShop(changes);
  await dropped(
    shop,
    'past.csv',
    purchases(...Array.from({ length: 29 }, (_, i) => daysBefore(TODAY, 30 - i))),
  );
  await dropped(shop, 'yesterday.csv', purchases(daysBefore(TODAY, 1)));
  await ingest(shop);
  return shop;
}

export interface RecordedJob extends JobRequest {
  readonly id: string;
  status: JobStatus;
  reason?: string;
  fault?: JobFault;
}

/** Acts as AWS Batch does and carries nothing out: tests say what becomes of the jobs. */
export class RecordingBatch implements BatchRunner {
  readonly jobs: RecordedJob[] = [];

  async submit(request: JobRequest): Promise<string> {
    const job: RecordedJob = { ...request, id: `job-${this.jobs.length + 1}`, status: 'SUBMITTED' };
    this.jobs.push(job);
    this.#failDependents();
    return job.id;
  }

  async describe(ids: readonly string[]): Promise<JobDescription[]> {
    return this.jobs.filter(({ id }) => ids.includes(id)).map(described);
  }

  async list(name: string): Promise<JobDescription[]> {
    return this.jobs
      .filter((job) => job.name === name)
      .map(described)
      .reverse();
  }

  get names(): string[] {
    return this.jobs.map(({ name }) => name);
  }

  job(stage: string): RecordedJob {
    const job = this.jobs.findLast(({ name }) => name.includes(`-${stage}-`));
    if (!job) throw new Error(`no job of ${stage} was submitted`);
    return job;
  }

  fail(stage: string, reason: string, fault: JobFault = 'work'): void {
    const job = this.job(stage);
    Object.assign(job, { status: 'FAILED', reason, fault });
    this.#failDependents();
  }

  /** Batch forgets jobs some days after they ended. */
  forget(stage: string): void {
    this.jobs.splice(this.jobs.indexOf(this.job(stage)), 1);
  }

  #failDependents(): void {
    for (const job of this.jobs) {
      const failed = (job.dependsOn ?? []).some(
        (id) => this.jobs.find((other) => other.id === id)?.status === 'FAILED',
      );
      if (failed && job.status === 'SUBMITTED') {
        Object.assign(job, { status: 'FAILED', reason: 'Dependent Job failed', fault: 'predecessor' });
      }
    }
  }
}

const described = ({ id, name, status, reason, fault }: RecordedJob): JobDescription => ({
  id,
  name,
  status,
  createdAt: new Date(0),
  ...(reason === undefined ? {} : { reason }),
  ...(fault === undefined ? {} : { fault }),
});

/** What a job leaves in the store when it has succeeded, without the models and numbers in it. */
export async function succeed({ store }: Shop, batch: RecordingBatch, stage: string): Promise<void> {
  const job = batch.job(stage);
  const runId = job.environment.NIGHTJAR_RUN!;
  await leave(store, runId, job.definition);
  job.status = 'SUCCEEDED';
}

async function leave(store: ObjectStore, runId: string, stage: string): Promise<void> {
  const manifest = await readManifest(store, runId);
  const { asOf, purpose, config, shards, groups } = manifest;
  if (stage === 'finetune') {
    const versions: Record<string, string> = {};
    for (const { name } of groups) {
      if (manifest.champions[name]) continue;
      versions[name] = `by-${runId}`;
      await store.put(`models/${name}/${versions[name]}/manifest.json`, '{}');
      const reason = `trained by ${runId}`;
      const promotes = purpose === 'night' || purpose === 'training';
      if (promotes && (await whyNotChampion(store, manifest, name)) === undefined) {
        await promote(store, name, versions[name], { asOf, reason, runId });
      }
    }
    await putJson(store, trainedKey(runId), versions);
  } else if (stage === 'score') {
    for (let shard = 0; shard < shards; shard++) {
      await store.put(snapshotKey(config, runId, shard), 'states');
      await store.put(scoresKey(runId, shard), 'scores');
    }
  } else {
    await tellSnapshot(store, runId, manifest, parseDay(asOf!));
    await store.put(successKey(asOf, runId), '');
    await putJson(store, currentKey(asOf), { runId });
  }
}

export async function succeedAll(shop: Shop, batch: RecordingBatch): Promise<void> {
  for (const { name, status } of [...batch.jobs]) {
    if (status === 'SUBMITTED') await succeed(shop, batch, name.split('-').at(-2)!);
  }
}

export function call(
  { store, config }: Pick<Shop, 'store' | 'config'>,
  batch: BatchRunner,
  more: Partial<TickArgs> = {},
): Promise<TickResult> {
  return tick({ store, batch, config, deploy: deployOf(config, 'prod'), kind: 'tick', now: NIGHT, ...more });
}

/** Every claim by its key. */
export async function claims(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('runs/nights/')) keys.push(key);
  return keys;
}

/** Is told before each call of a store or runner, and after it; what it throws the caller gets. */
export interface Guard {
  before(what: string): Promise<void>;
  after(what: string): Promise<void>;
}

/** The store with a guard at every call; a listing is one call. */
export function guardedStore(store: ObjectStore, guard: Guard): ObjectStore {
  return {
    get: (key, options) => guarded(guard, `get ${key}`, () => store.get(key, options)),
    head: (key) => guarded(guard, `head ${key}`, () => store.head(key)),
    put: (key, body, options) => guarded(guard, `put ${key}`, () => store.put(key, body, options)),
    delete: (key) => guarded(guard, `delete ${key}`, () => store.delete(key)),
    async *list(prefix, options) {
      yield* await guarded(guard, `list ${prefix}`, () => collect(store.list(prefix, options)));
    },
  };
}

export function guardedBatch(batch: BatchRunner, guard: Guard): BatchRunner {
  return {
    submit: (request) => guarded(guard, `submit ${request.name}`, () => batch.submit(request)),
    describe: (ids) => guarded(guard, 'describe', () => batch.describe(ids)),
    list: (name) => guarded(guard, `jobs ${name}`, () => batch.list(name)),
  };
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function guarded<T>(guard: Guard, what: string, act: () => Promise<T>): Promise<T> {
  await guard.before(what);
  const result = await act();
  await guard.after(what);
  return result;
}

/** Lets several callers go on one call at a time, in an order that the test gives. */
export class Turns {
  readonly #waiting: (() => void)[][];
  readonly #over: boolean[];

  constructor(callers: number) {
    this.#waiting = Array.from({ length: callers }, () => []);
    this.#over = this.#waiting.map(() => false);
  }

  guard(caller: number): Guard {
    return {
      before: () => new Promise<void>((go) => void this.#waiting[caller]!.push(go)),
      after: async () => {},
    };
  }

  /** Whether the caller has ended. */
  over(caller: number): boolean {
    return this.#over[caller]!;
  }

  watch<T>(caller: number, work: Promise<T>): Promise<T> {
    return work.finally(() => (this.#over[caller] = true));
  }

  /** Lets a caller make its next call. @returns false when it has ended instead */
  async step(caller: number): Promise<boolean> {
    const waiting = this.#waiting[caller]!;
    while (waiting.length === 0 && !this.over(caller)) await setImmediate();
    const go = waiting.shift();
    go?.();
    return go !== undefined;
  }
}
