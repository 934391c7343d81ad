import type { ChildProcess } from 'node:child_process';
import { NightjarError } from '../data/index.ts';
import { EXIT_RETRY, explain, SystemError, sentenceOf } from '../runtime/index.ts';
import type { StepContext, StepSettings } from './context.ts';
import { STEPS, type StepName, type Steps } from './steps.ts';

/** Who does the steps of an export. */
export interface Crew {
  /**
   * Does a step for each argument, several at a time.
   * @returns the results in the order of the arguments
   */
  all<K extends StepName>(
    step: K,
    of: readonly Steps[K]['argument'][],
    onDone?: (done: number) => void,
  ): Promise<Steps[K]['result'][]>;
  /** Ends who was started. */
  close(): Promise<void>;
}

/** One after the other, in this process. */
export function alone(context: StepContext): Crew {
  return {
    async all(step, of, onDone) {
      const results = [];
      for (const argument of of) {
        results.push(await STEPS[step](context, argument));
        onDone?.(results.length);
      }
      return results;
    },
    async close() {},
  };
}

interface Request {
  readonly settings: StepSettings;
  readonly step: StepName;
  readonly argument: unknown;
}

type Response =
  | { readonly result: unknown }
  /** `away`: what it needs is away for now. */
  | { readonly failed: string; readonly away: boolean };

/**
 * Processes that share out the steps.
 * @param start starts one that calls `serveSteps`
 */
export function openCrew(start: () => ChildProcess, workers: number, settings: StepSettings): Crew {
  const hands = Array.from({ length: workers }, () => new Hand(start()));
  return {
    async all(step, of, onDone) {
      const results: Steps[typeof step]['result'][] = [];
      let next = 0;
      let done = 0;
      const work = async (hand: Hand) => {
        while (next < of.length) {
          const index = next++;
          try {
            const request: Request = { settings, step, argument: of[index] };
            results[index] = (await hand.ask(request)) as (typeof results)[number];
          } catch (error) {
            // Nobody begins another one.
            next = of.length;
            throw error;
          }
          onDone?.(++done);
        }
      };
      await Promise.all(hands.map(work));
      return results;
    },
    async close() {
      await Promise.all(hands.map((hand) => hand.close()));
    },
  };
}

/** A process that does one step at a time. */
class Hand {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #settle: { resolve: (result: unknown) => void; reject: (error: Error) => void } | undefined;
  #gone: Error | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (response: Response) => {
      const settle = this.#settle;
      this.#settle = undefined;
      if ('result' in response) settle?.resolve(response.result);
      else settle?.reject(failureOf(response));
    });
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => resolve(this.#end(error)));
      child.on('exit', (code, signal) => resolve(this.#end(endOf(code, signal))));
    });
  }

  ask(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(this.#gone);
      this.#settle = { resolve, reject };
      // What does not get through is told by the end of the process.
      this.#child.send(request, (error) => error && this.#child.kill());
    });
  }

  /** Waits for its end: nobody must write into the folder any more. */
  close(): Promise<void> {
    this.#gone ??= new NightjarError('the workers of the export were told to end');
    if (this.#child.connected) this.#child.disconnect();
    return this.#ended;
  }

  #end(error: Error): void {
    this.#gone ??= error;
    this.#settle?.reject(this.#gone);
    this.#settle = undefined;
  }
}

/** A worker's failure, of the same kind here. */
const failureOf = ({ failed, away }: Extract<Response, { failed: string }>): Error =>
  away ? new SystemError('EAGAIN', failed, { concernsAll: true }) : new NightjarError(failed);

const endOf = (code: number | null, signal: string | null): Error =>
  failureOf({
    failed:
      signal === 'SIGKILL'
        ? 'a worker of the export was ended by SIGKILL, usually because memory ran out'
        : `a worker of the export ended with ${signal ?? `exit code ${code}`}; its log says why`,
    away: signal !== null || code === EXIT_RETRY,
  });

/**
 * Does the steps that the process which started this one asks for, until that one is gone.
 * @param open the store and what opens pseudonyms; called once
 * @param isAway tells what is away for now from what would happen again
 */
export function serveSteps(
  open: () => Promise<Omit<StepContext, keyof StepSettings>>,
  isAway: (error: unknown) => boolean,
): void {
  let opened: ReturnType<typeof open> | undefined;
  const answer = async ({ settings, step, argument }: Request): Promise<Response> => {
    try {
      opened ??= open();
      const run = STEPS[step] as (context: StepContext, argument: unknown) => Promise<unknown>;
      return { result: await run({ ...(await opened), ...settings }, argument) };
    } catch (error) {
      // Where a fault of Nightjar happened is for the log.
      if (!explain(error)) console.error(error);
      return { failed: sentenceOf(error), away: isAway(error) };
    }
  };
  process.on(
    'message',
    (request: Request) => void answer(request).then((response) => process.send?.(response)),
  );
  process.once('disconnect', () => process.exit(EXIT_RETRY));
}
