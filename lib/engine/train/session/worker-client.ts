import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { fromPlainError, ProgramError, SessionError } from '../../host/index.ts';
import type { Methods, WorkerRequest, WorkerResponse } from './worker-host.ts';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** Modules that call `serve`, as they lie in a checkout and in a package. */
const WORKERS = {
  'session-worker': './session-worker',
  'training-worker': '../trainer/training-worker',
} as const;
export type WorkerName = keyof typeof WORKERS;

/**
 * In a package a worker is JavaScript; in an image all are bundles (`.mjs`) in one folder. In a checkout it is TypeScript
 * and needs the loader.
 */
function startWorker(name: WorkerName): Worker {
  // flags of the parent (a test runner's, say) are not the worker's; its environment is, also what is set later
  const options: WorkerOptions = { execArgv: [], env: SHARE_ENV };
  const ending = /\.\w+$/.exec(import.meta.url)?.[0];
  const path = ending === '.mjs' ? `./${name}` : WORKERS[name];
  const module = new URL(`${path}${ending}`, import.meta.url);
  if (ending !== '.ts') return new Worker(module, options);
  const loader = new URL('./worker-entry.js', import.meta.url);
  return new Worker(loader, { ...options, workerData: { module: module.href } });
}

/**
 * Workers whose session is closed, for the next one: to start a worker takes longer than a small model's whole fit.
 * No more than a night uses at once; the rest ends with its session.
 */
const idle: Record<WorkerName, Worker[]> = { 'session-worker': [], 'training-worker': [] };
const MOST_IDLE = 2;

function keepIdle(name: WorkerName, worker: Worker): void {
  const forget = () => {
    idle[name] = idle[name].filter((other) => other !== worker);
  };
  heardByNobody(worker).on('error', forget).on('exit', forget);
  idle[name].push(worker);
}

function takeIdle(name: WorkerName): Worker | undefined {
  const worker = idle[name].pop();
  return worker && heardByNobody(worker);
}

/** Event by event: a worker has listeners of its own, on which its port depends. */
function heardByNobody(worker: Worker): Worker {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
  return worker;
}

/** The main thread's end of a worker: calls are answered in the order they were made. */
export class WorkerClient<M extends Methods<M>> {
  readonly #name: WorkerName;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #gone: SessionError | undefined;

  constructor(name: WorkerName) {
    this.#name = name;
    this.#worker = takeIdle(name) ?? startWorker(name);
    this.#worker.on('message', (response: WorkerResponse) => this.#answer(response));
    this.#worker.on('error', (cause) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.#fail(new SessionError(`the session's worker failed: ${message}`, { cause }));
    });
    this.#worker.on('exit', (code) =>
      this.#fail(new SessionError(`the session's worker ended with exit code ${code}`)),
    );
    // an idle worker does not keep the process alive; a pending call does
    this.#worker.unref();
  }

  /** @throws the worker's typed error; SessionError once the worker is closed */
  call<K extends keyof M & string>(
    method: K,
    argument: M[K]['argument'],
    transfer: ArrayBuffer[] = [],
  ): Promise<M[K]['result']> {
    if (this.#gone) return Promise.reject(this.#gone);
    const id = this.#next++;
    return new Promise<M[K]['result']>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.ref();
      try {
        this.#worker.postMessage({ id, method, argument } satisfies WorkerRequest, transfer);
      } catch (cause) {
        this.#settle(id);
        reject(
          new SessionError(`a ${method} request could not be sent to the worker: ${String(cause)}`, {
            cause,
          }),
        );
      }
    });
  }

  /** Frees what the worker holds after the calls already made; later calls are refused. */
  async close(): Promise<void> {
    if (this.#gone) return;
    const closed = this.call('close' as keyof M & string, undefined);
    this.#gone = new SessionError('this session was closed; open another');
    await closed;
    if (idle[this.#name].length < MOST_IDLE) keepIdle(this.#name, this.#worker);
    else await this.#worker.terminate();
  }

  #answer(response: WorkerResponse): void {
    const waiting = this.#settle(response.id);
    if (!waiting) return;
    if ('error' in response) waiting.reject(fromPlainError(response.error));
    else waiting.resolve(response.value);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    return waiting;
  }

  #fail(error: SessionError): void {
    this.#gone ??= error;
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
  }
}

/** @throws ProgramError unless it is a whole number from 1 */
export function checkThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new ProgramError(`the number of threads is a whole number from 1, given ${threads}`);
  }
}
