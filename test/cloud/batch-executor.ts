import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeChild,
  describeJob,
  isArray,
  isOver,
  type Job,
  listJobs,
  type SubmitRequest,
  statusOf,
  type Task,
} from './batch-jobs.ts';
import { type AttemptEnd, isRetried, type RetryStrategy } from './retry-rules.ts';

/** A job definition as the template has it, its references resolved. */
export interface JobDefinitionParts {
  readonly arn: string;
  /** finetune, score, export, clean. */
  readonly program: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly retryStrategy: RetryStrategy;
  readonly timeoutSeconds?: number;
  /** The role that its containers act as. */
  readonly jobRoleArn: string;
}

/** Which attempt of which job runs. */
export interface Running {
  readonly program: string;
  readonly jobName: string;
  readonly index: number;
  /** From 1. */
  readonly attempt: number;
  /** Its access key id. */
  readonly caller: string;
}

/**
 * How an attempt is disturbed. `SIGTERM`: as when a spot host is called back, with time to stop; `SIGKILL`: the
 * container dies at once; `host`: the host is gone with it.
 */
export type Disturbance = 'SIGTERM' | 'SIGKILL' | 'host';

export interface BatchExecutorOptions {
  readonly definitions: readonly JobDefinitionParts[];
  /** Folder that holds what the image would hold. */
  readonly image: string;
  /** Folder of the log files, one per attempt, and of temporary files. */
  readonly root: string;
  /** What a container gets of its host, with an access key id of its own. */
  readonly environment: (caller: string) => Readonly<Record<string, string>>;
  /** Role of a program's job, for its access key id. */
  readonly roleOf: (program: string) => string;
  readonly maxConcurrent?: number;
  /** Between SIGTERM and SIGKILL. AWS Batch: 30 seconds. */
  readonly graceMs?: number;
  readonly clock?: () => number;
}

export interface BatchExecutor {
  submitted(id: string, arn: string, request: SubmitRequest): void;
  describe(ids: readonly string[]): Record<string, unknown>;
  list(request: Record<string, unknown>): Record<string, unknown>;
  /** Disturbs the attempt of this caller, if it still runs. */
  disturb(caller: string, how: Disturbance): void;
  /** Every attempt that was started, in order. */
  readonly started: readonly Running[];
  readonly jobs: readonly Job[];
  /** Resolves when no job runs and none can start. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Runs submitted jobs as processes, with the semantics of AWS Batch. */
export function openBatchExecutor(options: BatchExecutorOptions): BatchExecutor {
  const { maxConcurrent = 1, graceMs = 30_000, clock = Date.now } = options;
  const jobs: Job[] = [];
  const started: Running[] = [];
  const running = new Map<string, { child: ChildProcess; how?: Disturbance | 'timeout' }>();
  const ended = new Set<Promise<void>>();
  let closed = false;

  const find = (id: string) => jobs.find((job) => job.id === id);

  function mayStart(job: Job): boolean {
    const needed = (job.request.dependsOn ?? []).map(({ jobId }) => find(jobId));
    if (needed.some((other) => !other || statusOf(other) === 'FAILED')) {
      job.refused = 'Dependent Job failed';
      return false;
    }
    return needed.every((other) => statusOf(other!) === 'SUCCEEDED');
  }

  /** Called whenever a job was submitted or an attempt ended. */
  function advance(): void {
    if (closed) return;
    for (const job of jobs) {
      if (isOver(statusOf(job)) || !mayStart(job)) continue;
      for (const task of job.tasks) {
        if (task.status === 'SUBMITTED') task.status = 'RUNNABLE';
        if (task.status !== 'RUNNABLE' || running.size >= maxConcurrent) continue;
        const over = run(job, task).finally(() => {
          ended.delete(over);
          advance();
        });
        ended.add(over);
      }
    }
  }

  async function run(job: Job, task: Task): Promise<void> {
    task.status = 'RUNNING';
    task.startedAt ??= clock();
    const definition = definitionOf(job);
    const { attempts, evaluateOnExit } = job.request.retryStrategy ?? {};
    const strategy = {
      attempts: attempts ?? definition.retryStrategy.attempts,
      evaluateOnExit: evaluateOnExit ?? definition.retryStrategy.evaluateOnExit,
    };
    const end = await attempt(job, task, definition);
    task.attempts.push(end);
    if (closed) return;
    if (end.exitCode !== 0 && isRetried(strategy, task.attempts.length, end)) {
      task.status = 'RUNNABLE';
      return;
    }
    task.status = end.exitCode === 0 ? 'SUCCEEDED' : 'FAILED';
    task.statusReason = end.statusReason;
    task.stoppedAt = clock();
  }

  async function attempt(job: Job, task: Task, definition: JobDefinitionParts): Promise<AttemptEnd> {
    const caller = `${options.roleOf(definition.program)}.${started.length + 1}`;
    const number = task.attempts.length + 1;
    const { request } = job;
    started.push({
      program: definition.program,
      jobName: request.jobName,
      index: task.index ?? 0,
      attempt: number,
      caller,
    });
    const [program, ...args] = request.containerOverrides?.command ?? definition.command;
    const overrides = request.containerOverrides?.environment ?? [];
    const temporary = join(options.root, caller);
    mkdirSync(temporary, { recursive: true });
    const log = openSync(join(options.root, `${caller}.log`), 'w');
    const child = spawn(program === 'node' ? process.execPath : program!, args, {
      cwd: options.image,
      stdio: ['ignore', log, log],
      env: {
        PATH: process.env.PATH,
        HOME: temporary,
        TMPDIR: temporary,
        ...options.environment(caller),
        ...definition.environment,
        ...Object.fromEntries(overrides.map(({ name, value }) => [name, value])),
        AWS_BATCH_JOB_ID: task.id,
        AWS_BATCH_JQ_NAME: request.jobQueue.split('/').at(-1)!,
        AWS_BATCH_JOB_ATTEMPT: String(number),
        ...(task.index === undefined ? {} : { AWS_BATCH_JOB_ARRAY_INDEX: String(task.index) }),
      },
    });
    closeSync(log);
    const seconds = request.timeout?.attemptDurationSeconds ?? definition.timeoutSeconds;
    const late =
      seconds === undefined ? undefined : setTimeout(() => stop(caller, 'timeout'), seconds * 1000);
    running.set(caller, { child });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (...end) => resolve(end));
    });
    clearTimeout(late);
    const how = running.get(caller)?.how;
    running.delete(caller);
    return endOf(code, signal, how);
  }

  function definitionOf(job: Job): JobDefinitionParts {
    const found = options.definitions.find(({ arn }) => arn === job.request.jobDefinition);
    if (!found) throw new Error(`job ${job.request.jobName} names no definition of the template`);
    return found;
  }

  function stop(caller: string, how: Disturbance | 'timeout'): void {
    const entry = running.get(caller);
    if (!entry) return;
    entry.how = how;
    const { child } = entry;
    if (how === 'SIGKILL' || how === 'host') return void child.kill('SIGKILL');
    child.kill('SIGTERM');
    const grace = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.once('exit', () => clearTimeout(grace));
  }

  // A harness that is ended leaves no job behind.
  const killAll = () => {
    for (const { child } of running.values()) child.kill('SIGKILL');
  };
  process.once('exit', killAll);

  return {
    started,
    jobs,
    submitted(id, arn, request) {
      const size = request.arrayProperties?.size;
      const tasks = Array.from({ length: size ?? 1 }, (_, index): Task => {
        const child = size === undefined ? undefined : index;
        return {
          id: child === undefined ? id : `${id}:${child}`,
          index: child,
          status: 'SUBMITTED',
          attempts: [],
        };
      });
      jobs.push({ id, arn, request, createdAt: clock(), tasks });
      advance();
    },
    describe: (ids) => ({ jobs: ids.flatMap((id) => describe(jobs, id) ?? []) }),
    list: (request) => listJobs(jobs, request),
    disturb: (caller, how) => stop(caller, how),
    async idle() {
      while (ended.size > 0) await Promise.race(ended);
    },
    async close() {
      closed = true;
      killAll();
      await Promise.all(ended);
      process.off('exit', killAll);
    },
  };
}

function describe(jobs: readonly Job[], id: string): Record<string, unknown> | undefined {
  for (const job of jobs) {
    if (job.id === id) return describeJob(job);
    if (!isArray(job)) continue;
    const child = job.tasks.find((task) => task.id === id);
    if (child) return describeChild(job, child);
  }
  return undefined;
}

/** How AWS Batch tells the end of an attempt. */
function endOf(code: number | null, signal: string | null, how?: Disturbance | 'timeout'): AttemptEnd {
  if (how === 'host') return { statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' };
  const exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
  const statusReason =
    how === 'timeout' ? 'Job attempt duration exceeded timeout' : 'Essential container in task exited';
  return { exitCode, statusReason };
}
