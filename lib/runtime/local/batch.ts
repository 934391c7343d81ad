import { join } from 'node:path';
import { BatchError } from '../errors.ts';
import type { BatchRunner, JobDescription, JobFault, JobRequest, JobStatus } from '../types.ts';
import { type Child, type JobCommand, startChild } from './child.ts';
import { type ChildReaper, childReaper } from './reaper.ts';

/** Limits of AWS Batch, so that what runs here runs there. */
const ARRAY_SIZES = { least: 2, most: 10_000 } as const;
const MOST_ATTEMPTS = 10;

export interface JobProgress {
  readonly jobId: string;
  readonly name: string;
  /** Index of the array child; 0 for a plain job. */
  readonly index: number;
  /** What the job gave to `reportProgress`. */
  readonly progress: unknown;
}

export interface LocalBatchOptions {
  /** How each definition is started. */
  readonly commands: Partial<Readonly<Record<JobRequest['definition'], JobCommand>>>;
  /** Folder of the log files: `<job name>/<index>.log`, appended to. */
  readonly logs: string;
  /** Children at the same time, of all jobs together. Default 1. */
  readonly maxConcurrent?: number;
  /** What children inherit. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: () => Date;
  readonly onProgress?: (progress: JobProgress) => void;
}

export interface LocalBatch extends BatchRunner {
  /** Resolves when the job has SUCCEEDED or FAILED. */
  wait(id: string): Promise<JobDescription>;
  /** Stops all children and fails what has not ended. */
  close(): Promise<void>;
}

interface Job {
  readonly id: string;
  readonly request: JobRequest;
  readonly createdAt: Date;
  status: JobStatus;
  reason: string | undefined;
  fault: JobFault | undefined;
  /** Children that wait to be started, the next one first. */
  readonly queued: { index: number; attempt: number }[];
  /** Children that have neither succeeded nor failed for good. */
  open: number;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * Batch jobs as child processes of this one, with the semantics of AWS Batch: array indices, attempts, dependencies.
 * Jobs live as long as this process: when it ends, by whatever cause, its children end, and the next run submits
 * again what is missing.
 * @throws BatchError when maxConcurrent is no whole number from 1
 */
export function openLocalBatch(options: LocalBatchOptions): LocalBatch {
  const { maxConcurrent = 1 } = options;
  if (!Number.isInteger(maxConcurrent) || maxConcurrent < 1) {
    throw new BatchError(`maxConcurrent is ${maxConcurrent}: give a whole number from 1`);
  }
  return new ChildProcessBatch(options, maxConcurrent);
}

class ChildProcessBatch implements LocalBatch {
  readonly #options: LocalBatchOptions;
  readonly #maxConcurrent: number;
  readonly #jobs = new Map<string, Job>();
  readonly #reaper: ChildReaper = childReaper(() => void this.close());
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(options: LocalBatchOptions, maxConcurrent: number) {
    this.#options = options;
    this.#maxConcurrent = maxConcurrent;
  }

  async submit(request: JobRequest): Promise<string> {
    this.#check(request);
    const id = `${request.name}-${this.#jobs.size + 1}`;
    const children = request.arraySize ?? 1;
    let finish = () => {};
    const done = new Promise<void>((resolve) => (finish = resolve));
    this.#jobs.set(id, {
      id,
      request,
      createdAt: (this.#options.clock ?? (() => new Date()))(),
      status: 'SUBMITTED',
      reason: undefined,
      fault: undefined,
      queued: Array.from({ length: children }, (_, index) => ({ index, attempt: 1 })),
      open: children,
      done,
      finish,
    });
    this.#advance();
    return id;
  }

  async describe(ids: readonly string[]): Promise<JobDescription[]> {
    return ids.flatMap((id) => {
      const job = this.#jobs.get(id);
      return job ? [describeJob(job)] : [];
    });
  }

  async list(name: string): Promise<JobDescription[]> {
    const jobs = [...this.#jobs.values()].filter((job) => job.request.name === name);
    return jobs.reverse().map(describeJob);
  }

  async wait(id: string): Promise<JobDescription> {
    const job = this.#jobs.get(id);
    if (!job) throw new BatchError(`there is no job ${id} to wait for: it was not submitted to this runner`);
    await job.done;
    return describeJob(job);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.values()) {
      if (job.status === 'SUBMITTED' || job.status === 'RUNNING') fail(job, 'the runner was closed', 'away');
    }
    this.#reaper.killAll();
    await Promise.all(this.#running);
  }

  #check(request: JobRequest): void {
    const { name, definition, arraySize, attempts = 1, dependsOn = [] } = request;
    if (this.#closed) throw new BatchError(`job ${name} was submitted to a closed runner: open another`);
    if (!/^[A-Za-z0-9][\w-]{0,127}$/.test(name)) {
      throw new BatchError(`"${name}" is no job name: use up to 128 letters, digits, '-' and '_'`);
    }
    if (!this.#options.commands[definition]) {
      throw new BatchError(`job ${name} is a ${definition}, for which this runner was given no command`);
    }
    const { least, most } = ARRAY_SIZES;
    if (
      arraySize !== undefined &&
      !(Number.isInteger(arraySize) && arraySize >= least && arraySize <= most)
    ) {
      throw new BatchError(
        `job ${name} has array size ${arraySize}: give ${least} to ${most}, or none for one child`,
      );
    }
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > MOST_ATTEMPTS) {
      throw new BatchError(`job ${name} has ${attempts} attempts: give 1 to ${MOST_ATTEMPTS}`);
    }
    const unknown = dependsOn.find((id) => !this.#jobs.has(id));
    if (unknown !== undefined) {
      throw new BatchError(`job ${name} depends on ${unknown}, which was not submitted: submit it first`);
    }
  }

  /** Starts what may start now: called whenever a job is submitted or a child ends. */
  #advance(): void {
    for (const job of this.#jobs.values()) {
      if (job.status !== 'SUBMITTED' && job.status !== 'RUNNING') continue;
      const needed = (job.request.dependsOn ?? []).flatMap((id) => this.#jobs.get(id) ?? []);
      const failed = needed.find((dependency) => dependency.status === 'FAILED');
      // Jobs stand in the order of submission, so a failure reaches all dependents in this one pass.
      if (failed) fail(job, `depends on ${failed.id}, which failed: ${failed.reason}`, 'predecessor');
      else if (needed.every((dependency) => dependency.status === 'SUCCEEDED')) this.#startChildren(job);
    }
  }

  #startChildren(job: Job): void {
    while (this.#running.size < this.#maxConcurrent) {
      const next = job.queued.shift();
      if (!next) return;
      job.status = 'RUNNING';
      const ended = this.#runChild(job, next.index, next.attempt).finally(() => {
        this.#running.delete(ended);
        this.#advance();
      });
      this.#running.add(ended);
    }
  }

  async #runChild(job: Job, index: number, attempt: number): Promise<void> {
    const child = this.#spawn(job, index, attempt);
    this.#reaper.add(child);
    const { failure, retry, away } = await child.ended;
    this.#reaper.remove(child);
    if (this.#closed) return;
    const { attempts = 1, arraySize } = job.request;
    if (failure !== undefined && retry && attempt < attempts) {
      job.queued.unshift({ index, attempt: attempt + 1 });
      return;
    }
    job.open--;
    if (failure !== undefined) {
      const who = arraySize === undefined ? '' : `child ${index}: `;
      job.reason ??= `${who}${failure}${attempt > 1 ? ` (attempt ${attempt})` : ''}`;
      // One child that would fail again decides for all.
      job.fault = away && job.fault !== 'work' ? 'away' : 'work';
    }
    if (job.open > 0) return;
    if (job.reason === undefined) {
      job.status = 'SUCCEEDED';
      job.finish();
    } else {
      fail(job, job.reason, job.fault);
    }
  }

  #spawn(job: Job, index: number, attempt: number): Child {
    const { id, request } = job;
    const { commands, logs, environment = process.env, onProgress } = this.#options;
    const command = commands[request.definition];
    if (!command) throw new BatchError(`there is no command for ${request.definition}`);
    const inArray = request.arraySize !== undefined;
    return startChild({
      command,
      environment: {
        ...environment,
        ...command.env,
        ...request.environment,
        AWS_BATCH_JOB_ID: inArray ? `${id}:${index}` : id,
        AWS_BATCH_JOB_ATTEMPT: String(attempt),
        ...(inArray ? { AWS_BATCH_JOB_ARRAY_INDEX: String(index) } : {}),
      },
      logFile: join(logs, request.name, `${index}.log`),
      onProgress: (progress) => onProgress?.({ jobId: id, name: request.name, index, progress }),
    });
  }
}

function fail(job: Job, reason: string, fault: JobFault = 'work'): void {
  job.status = 'FAILED';
  job.reason = reason;
  job.fault = fault;
  job.queued.length = 0;
  job.finish();
}

function describeJob(job: Job): JobDescription {
  const { id, request, status, reason, fault, createdAt } = job;
  const failed = status === 'FAILED' ? { reason: reason!, fault: fault! } : {};
  return { id, name: request.name, status, createdAt, ...failed };
}
