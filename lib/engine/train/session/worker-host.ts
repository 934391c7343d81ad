import { parentPort } from 'node:worker_threads';
import { type PlainError, SessionError, toPlainError } from '../../host/index.ts';

/** Methods of a worker: one argument in, one value out, both structured-cloneable. */
export type Methods<M> = { [K in keyof M]: { argument: unknown; result: unknown } };

export interface WorkerRequest {
  id: number;
  method: string;
  argument: unknown;
}

export type WorkerResponse = { id: number; value: unknown } | { id: number; error: PlainError };

/** A value, and the buffers that move with it instead of being copied. */
export interface Reply<T> {
  value: T;
  transfer?: ArrayBuffer[];
}

export type Handlers<M extends Methods<M>> = {
  [K in keyof M]: (argument: M[K]['argument']) => Promise<Reply<M[K]['result']>>;
};

/** Answers the requests of the thread that started this worker, one after another in the order they came. */
export function serve<M extends Methods<M>>(handlers: Handlers<M>): void {
  const port = parentPort;
  if (!port)
    throw new SessionError(
      'a worker module was loaded on the main thread; start it by openTrainer or openSession',
    );
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: WorkerRequest) => {
    last = last.then(async () => {
      try {
        const { value, transfer } = await handlers[request.method as keyof M](request.argument);
        port.postMessage({ id: request.id, value } satisfies WorkerResponse, transfer ?? []);
      } catch (error) {
        port.postMessage({ id: request.id, error: toPlainError(error) } satisfies WorkerResponse);
      }
    });
  });
}
