import { NightjarError } from '../data/index.ts';
import {
  type BatchRunner,
  type JobDescription,
  type JobRequest,
  type ObjectStore,
  putJson,
  readJson,
} from '../runtime/index.ts';
import { dueAfter, type JobRecord, NO_FAILURES, SUBMITS, type Tally, tallyAfter } from './attempts.ts';
import { jobKey, jobsPrefix } from './keys.ts';
import type { RunHead } from './manifest.ts';
import { isDone, onlyTables, type StageName, type StageState, stagesOf } from './stages.ts';

/** How far a run is. */
export interface RunProgress {
  readonly state: 'running' | 'finished' | 'failed';
  /** Stages behind one that waits or has failed for good are left out: they were not submitted. */
  readonly stages: Partial<Record<StageName, StageState>>;
  /** The job of each stage that is under way. */
  readonly jobs: Partial<Record<StageName, string>>;
  /** Why it failed, or what it waits for. */
  readonly reason?: string;
}

export interface AdvanceArgs {
  readonly store: ObjectStore;
  readonly batch: BatchRunner;
  readonly runId: string;
  readonly manifest: RunHead;
  /** Children of the score job; each takes a range of shards. */
  readonly children: number;
  readonly now: Date;
  /** Default: all that the run has. */
  readonly stages?: readonly StageName[];
  /** How many jobs of a stage may fail before the run has. Default 3. */
  readonly submits?: number;
  /** A job that found something away does not count: the window of the run lasts (see windowLasts). Default false. */
  readonly spared?: boolean;
  /** See isDone. Default false. */
  readonly mustBeCurrent?: boolean;
  readonly log?: ((line: string) => void) | undefined;
}

/** How often a job may be started: spot instances are taken away. */
const ATTEMPTS = 4;
/** Of AWS Batch; an array has two children at least. */
const MOST_CHILDREN = 10_000;

/** The last job that was submitted for a stage; number 0 before the first. `job`: as the runner tells of it. */
interface LastJob {
  readonly number: number;
  readonly record?: JobRecord | undefined;
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
    } else if ('due' in outcome) {
      // Nothing is submitted behind it: no job would be there to wait for.
      stages[stage] = 'waiting';
      const reason = `${stage} of run ${runId} is tried again from ${outcome.due.toISOString()} on: ${outcome.away}`;
      return { state: 'running', stages, jobs, reason };
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

/**
 * How many jobs of a stage have failed, the last one counted as one whatever became of it: jobs of a process that has ended
 * ended with it. 0 before the first.
 */
export async function failuresSoFar(store: ObjectStore, runId: string, stage: StageName): Promise<number> {
  const number = (await lastRecords(store, runId)).get(stage);
  return number === undefined ? 0 : ((await readRecord(store, runId, stage, number))?.failures ?? 0) + 1;
}

/** Records of earlier versions have no tally: then every job counted. */
async function readRecord(
  store: ObjectStore,
  runId: string,
  stage: StageName,
  number: number,
): Promise<JobRecord | undefined> {
  const key = jobKey(runId, stage, number);
  const record = await readJson<Omit<JobRecord, keyof Tally> & Partial<Tally>>(store, key);
  return record && { ...record, failures: record.failures ?? number - 1, away: record.away ?? 0 };
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
  const records = new Map<StageName, JobRecord>();
  for (const stage of stages) {
    const number = numbers.get(stage);
    if (number === undefined) continue;
    const record = await readRecord(store, runId, stage, number);
    if (record) records.set(stage, record);
  }
  const ids = [...records.values()].map(({ jobId }) => jobId);
  const told = ids.length > 0 ? await batch.describe(ids) : [];
  const jobs = new Map(told.map((job) => [job.id, job]));
  return new Map(
    stages.map((stage) => {
      const record = records.get(stage);
      return [stage, { number: numbers.get(stage) ?? 0, record, job: record && jobs.get(record.jobId) }];
    }),
  );
}

/** The job that works on a stage: the last one, or where that is over, another one, now or later. */
async function underWay(
  args: AdvanceArgs,
  stage: StageName,
  last: LastJob,
  previous: string | undefined,
  done: () => Promise<boolean>,
): Promise<
  | 'done'
  | Pick<JobDescription, 'id' | 'status'>
  | { readonly failed: string }
  | { readonly due: Date; readonly away: string }
> {
  const { store, batch, runId, submits = SUBMITS, spared = false, log, now } = args;
  let { number, job, record } = last;
  for (;;) {
    if (job && !isOver(job)) return job;
    let tally = NO_FAILURES;
    if (record) {
      tally = tallyAfter(record, job, spared);
      if (tally.failures >= submits) return { failed: reasonOf(job) };
      const due = dueAfter(record, tally);
      if (due && due > now) return { due, away: reasonOf(job) };
      log?.(JSON.stringify({ runId, stage, job: number, over: reasonOf(job), fault: job?.fault, ...tally }));
    }
    number++;
    const request = jobRequest(args, stage, number, previous);
    job = await findJob(batch, request.name);
    const jobId = job?.id ?? (await batch.submit(request));
    if (!job) log?.(JSON.stringify({ runId, stage, submitted: jobId, job: number }));
    const submitted = { ...tally, jobId, submittedAt: now.toISOString() };
    record = await putRecord(store, runId, stage, number, submitted);
    if (record.jobId !== jobId) [job] = await batch.describe([record.jobId]);
    else job ??= { id: jobId, name: request.name, status: 'SUBMITTED', createdAt: now };
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

/** @returns the record that stands: another process may have been faster */
async function putRecord(
  store: ObjectStore,
  runId: string,
  stage: StageName,
  number: number,
  record: JobRecord,
): Promise<JobRecord> {
  const key = jobKey(runId, stage, number);
  if ((await putJson(store, key, record, { ifAbsent: true })).written) return record;
  const standing = await readRecord(store, runId, stage, number);
  if (!standing) throw new NightjarError(`${key} was deleted while it was read: leave the records of a run`);
  return standing;
}

const isOver = ({ status }: JobDescription) => status === 'FAILED' || status === 'SUCCEEDED';

function reasonOf(job: JobDescription | undefined): string {
  if (!job) return 'its job is not known any more, and what it was to write is not there';
  if (job.status === 'SUCCEEDED') return 'its job ended well, but what it was to write is not there';
  return job.reason ?? 'no reason given';
}
