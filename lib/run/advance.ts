import { NightjarError } from '../data/index.ts';
import {
  type BatchRunner,
  type JobDescription,
  type JobRequest,
  type ObjectStore,
  putJson,
  readJson,
} from '../runtime/index.ts';
import { jobKey, jobsPrefix } from './keys.ts';
import type { RunManifest } from './manifest.ts';
import { isDone, onlyTables, type StageName, type StageState, stagesOf } from './stages.ts';

/** How far a run is. */
export interface RunProgress {
  readonly state: 'running' | 'finished' | 'failed';
  /** Stages behind one that failed for good are left out: they were not submitted. */
  readonly stages: Partial<Record<StageName, StageState>>;
  /** The job of each stage that is under way. */
  readonly jobs: Partial<Record<StageName, string>>;
  /** Why it failed. */
  readonly reason?: string;
}

export interface AdvanceArgs {
  readonly store: ObjectStore;
  readonly batch: BatchRunner;
  readonly runId: string;
  readonly manifest: RunManifest;
  /** Children of the score job; each takes a range of shards. */
  readonly children: number;
  readonly now: Date;
  /** Default: all that the run has. */
  readonly stages?: readonly StageName[];
  /** The highest number that a job of a stage may have. Default 3. */
  readonly submits?: number;
  /** See isDone. Default false. */
  readonly mustBeCurrent?: boolean;
  readonly log?: ((line: string) => void) | undefined;
}

/** How often a stage is submitted, the first time included. */
export const SUBMITS = 3;
/** How often a job may be started: spot instances are taken away. */
const ATTEMPTS = 4;
/** Of AWS Batch; an array has two children at least. */
const MOST_CHILDREN = 10_000;

/** `runs/<runId>/jobs/<stage>-<n>.json` */
interface JobRecord {
  readonly jobId: string;
  readonly submittedAt: string;
}

/** The last job that was submitted for a stage; number 0 before the first. `job`: as the runner tells of it. */
interface LastJob {
  readonly number: number;
  readonly job?: JobDescription | undefined;
}

/**
 * Brings a run as far as it can be brought without waiting: every stage whose objects do not stand gets a job, each
 * waiting for the one before it. Call it again until the run is finished. It may be interrupted at any moment and
 * called by several processes at once: a submitted job is found by its record, else by its name; the worst that comes
 * of it is a second job of the same name, which costs money and changes nothing.
 */
export async function advanceRun(args: AdvanceArgs): Promise<RunProgress> {
  const { store, batch, runId, manifest, mustBeCurrent } = args;
  const wanted = args.stages ?? stagesOf(manifest);
  // Jobs are asked before objects: of a job that has succeeded by now the objects must be found.
  const last = await lastJobs(store, batch, runId, wanted);
  const stages: RunProgress['stages'] = {};
  const jobs: RunProgress['jobs'] = {};
  let previous: string | undefined;
  for (const stage of wanted) {
    const done = () => isDone(store, runId, manifest, stage, mustBeCurrent);
    const outcome = (await done())
      ? ('done' as const)
      : await underWay(args, stage, last.get(stage) ?? { number: 0 }, previous, done);
    if (outcome === 'done') {
      stages[stage] = 'done';
      previous = undefined;
    } else if ('failed' in outcome) {
      stages[stage] = 'failed';
      return { state: 'failed', stages, jobs, reason: `${stage} of run ${runId} failed: ${outcome.failed}` };
    } else {
      stages[stage] = outcome.status === 'RUNNING' ? 'running' : 'submitted';
      jobs[stage] = outcome.id;
      previous = outcome.id;
    }
  }
  const finished = wanted.every((stage) => stages[stage] === 'done');
  return { state: finished ? 'finished' : 'running', stages, jobs };
}

/** The number of the last job that was recorded for a stage; 0 before the first. */
export async function lastNumber(store: ObjectStore, runId: string, stage: StageName): Promise<number> {
  return (await lastRecords(store, runId)).get(stage) ?? 0;
}

async function lastRecords(store: ObjectStore, runId: string): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  const prefix = jobsPrefix(runId);
  for await (const { key } of store.list(prefix)) {
    const [, stage, n] = /^([a-z]+)-(\d+)\.json$/.exec(key.slice(prefix.length)) ?? [];
    if (stage !== undefined) numbers.set(stage, Math.max(Number(n), numbers.get(stage) ?? 0));
  }
  return numbers;
}

async function lastJobs(
  store: ObjectStore,
  batch: BatchRunner,
  runId: string,
  stages: readonly StageName[],
): Promise<Map<StageName, LastJob>> {
  const numbers = await lastRecords(store, runId);
  const ids = new Map<StageName, string>();
  for (const stage of stages) {
    const number = numbers.get(stage);
    if (number === undefined) continue;
    const record = await readJson<JobRecord>(store, jobKey(runId, stage, number));
    if (record) ids.set(stage, record.jobId);
  }
  const told = ids.size > 0 ? await batch.describe([...ids.values()]) : [];
  const jobs = new Map(told.map((job) => [job.id, job]));
  return new Map(
    stages.map((stage) => {
      const id = ids.get(stage);
      return [stage, { number: numbers.get(stage) ?? 0, job: id === undefined ? undefined : jobs.get(id) }];
    }),
  );
}

/** The job that works on a stage: the last one, or where that is over, another one. */
async function underWay(
  args: AdvanceArgs,
  stage: StageName,
  last: LastJob,
  previous: string | undefined,
  done: () => Promise<boolean>,
): Promise<'done' | Pick<JobDescription, 'id' | 'status'> | { readonly failed: string }> {
  const { store, batch, runId, submits = SUBMITS, log } = args;
  let { number, job } = last;
  for (;;) {
    if (job && !isOver(job)) return job;
    if (number >= submits) return { failed: reasonOf(job) };
    if (number > 0) log?.(JSON.stringify({ runId, stage, job: number, over: reasonOf(job) }));
    number++;
    const request = jobRequest(args, stage, number, previous);
    job = await findJob(batch, request.name);
    const jobId = job?.id ?? (await batch.submit(request));
    if (!job) log?.(JSON.stringify({ runId, stage, submitted: jobId, job: number }));
    const standing = await record(store, jobKey(runId, stage, number), jobId, args.now);
    if (standing !== jobId) [job] = await batch.describe([standing]);
    else job ??= { id: jobId, name: request.name, status: 'SUBMITTED', createdAt: args.now };
    // It may have ended since its objects were looked for.
    if (job?.status === 'SUCCEEDED' && (await done())) return 'done';
  }
}

function jobRequest(args: AdvanceArgs, stage: StageName, number: number, previous?: string): JobRequest {
  const { runId, manifest } = args;
  const most = stage === 'score' && !onlyTables(manifest) ? manifest.shards : 1;
  const children = Math.max(1, Math.min(args.children, most, MOST_CHILDREN));
  return {
    name: `${runId}-${stage}-${number}`,
    definition: stage,
    environment: { NIGHTJAR_RUN: runId, NIGHTJAR_CHILDREN: String(children) },
    attempts: ATTEMPTS,
    ...(children > 1 ? { arraySize: children } : {}),
    ...(previous === undefined ? {} : { dependsOn: [previous] }),
  };
}

/** A job whose submitter did not live to record it. Of doubled ones the one that goes best. */
async function findJob(batch: BatchRunner, name: string): Promise<JobDescription | undefined> {
  const jobs = await batch.list(name);
  return jobs.find(({ status }) => status !== 'FAILED') ?? jobs[0];
}

/** @returns the job id that stands in the record: another process may have been faster */
async function record(store: ObjectStore, key: string, jobId: string, now: Date): Promise<string> {
  const value: JobRecord = { jobId, submittedAt: now.toISOString() };
  if ((await putJson(store, key, value, { ifAbsent: true })).written) return jobId;
  const standing = await readJson<JobRecord>(store, key);
  if (!standing) throw new NightjarError(`${key} was deleted while it was read: leave the records of a run`);
  return standing.jobId;
}

const isOver = ({ status }: JobDescription) => status === 'FAILED' || status === 'SUCCEEDED';

function reasonOf(job: JobDescription | undefined): string {
  if (!job) return 'its job is not known any more, and what it was to write is not there';
  if (job.status === 'SUCCEEDED') return 'its job ended well, but what it was to write is not there';
  return job.reason ?? 'no reason given';
}
