import { Worker } from 'node:worker_threads';
import { TreeError } from './errors.ts';
import { KERNEL_NAMES, type KernelName, type Kernels, kernelModule, kernelsOver } from './kernels/index.ts';

/** Words of the control block. */
const ROUND = 0;
const CLAIM = 1;
const DONE = 2;
const STOP = 3;
const CONTROL_WORDS = 16;
/** A claim is (round, tasks, next task): which task is whose is decided by one atomic word. */
const INDEX_BITS = 12;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
export const MOST_TASKS = INDEX_MASK - 1;
/** A call: the kernel and its arguments. */
const CALL_WORDS = 10;
const TASK_WORDS = 2;
/** A helper that does not answer for this long is gone. */
const PATIENCE_MS = 60_000;

/** Bytes of the block that a team needs in the memory. */
export function teamBytes(tasks: number, calls: number): number {
  return 4 * (CONTROL_WORDS + tasks * TASK_WORDS + calls * CALL_WORDS);
}

/**
 * A helper's whole program: the same claims and calls as `Team.run`. Text, because Node 20 starts no worker from
 * TypeScript, and a package or an image would need a bundle of its own for it.
 */
const HELPER = `
const { workerData } = require('node:worker_threads');
const { module, memory, names, block, mostTasks } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const kernels = names.map((name) => exports[name]);
const words = new Int32Array(memory.buffer, block);
const calls = ${CONTROL_WORDS} + mostTasks * ${TASK_WORDS};
let round = 0;
while (Atomics.load(words, ${STOP}) === 0) {
  const claim = Atomics.load(words, ${CLAIM});
  const index = claim & ${INDEX_MASK};
  const count = (claim >>> ${INDEX_BITS}) & ${INDEX_MASK};
  if (index >= count) {
    Atomics.wait(words, ${ROUND}, round);
    round = Atomics.load(words, ${ROUND});
    continue;
  }
  if (Atomics.compareExchange(words, ${CLAIM}, claim, claim + 1) !== claim) continue;
  const task = ${CONTROL_WORDS} + index * ${TASK_WORDS};
  for (let i = words[task]; i < words[task + 1]; i++) {
    const at = calls + i * ${CALL_WORDS};
    kernels[words[at]](...words.subarray(at + 1, at + ${CALL_WORDS}));
  }
  if (Atomics.add(words, ${DONE}, 1) + 1 === count) Atomics.notify(words, ${DONE});
}
`;

/**
 * Threads that share out tasks, each some kernel calls in order. Who takes a task is left to chance; what a task computes
 * must not depend on it, and no task may read what another of the same run writes. The calling thread takes part, so that
 * nothing waits for helpers to start.
 */
export class Team {
  readonly kernels: Kernels;
  readonly #list: readonly ((...given: number[]) => void)[];
  readonly #words: Int32Array;
  readonly #calls: number;
  readonly #helpers: Worker[];
  #failed: unknown;
  #tasks = 0;
  #made = 0;
  #round = 0;

  /** @param block address of `teamBytes` zeroed bytes in the memory */
  constructor(memory: WebAssembly.Memory, block: number, mostTasks: number, threads: number) {
    this.kernels = kernelsOver(memory);
    this.#list = KERNEL_NAMES.map((name) => this.kernels[name]);
    this.#words = new Int32Array(memory.buffer, block);
    this.#calls = CONTROL_WORDS + mostTasks * TASK_WORDS;
    const workerData = { module: kernelModule(), memory, names: KERNEL_NAMES, block, mostTasks };
    this.#helpers = Array.from({ length: threads - 1 }, () => {
      // flags of the parent (a test runner's, say) are not the helper's
      const helper = new Worker(HELPER, { eval: true, workerData, execArgv: [] });
      helper.unref();
      helper.on('error', (cause) => {
        this.#failed = cause;
      });
      return helper;
    });
  }

  /** Begins the next task; calls that follow belong to it. */
  task(): void {
    const at = CONTROL_WORDS + this.#tasks++ * TASK_WORDS;
    this.#words[at] = this.#made;
    this.#words[at + 1] = this.#made;
  }

  call(kernel: KernelName, ...given: readonly number[]): void {
    const at = this.#calls + this.#made++ * CALL_WORDS;
    this.#words[at] = KERNEL_NAMES.indexOf(kernel);
    for (let i = 0; i < given.length; i++) this.#words[at + 1 + i] = given[i]!;
    this.#words[CONTROL_WORDS + (this.#tasks - 1) * TASK_WORDS + 1] = this.#made;
  }

  /**
   * Does all tasks since the last run and returns when they are done. `alone`: they are too small to share.
   * @throws TreeError when a helper is gone
   */
  run(alone = false): void {
    const count = this.#tasks;
    this.#tasks = 0;
    this.#made = 0;
    if (alone || this.#helpers.length === 0) {
      for (let index = 0; index < count; index++) this.#perform(index);
      return;
    }
    const words = this.#words;
    this.#round = (this.#round + 1) & 0x7f;
    Atomics.store(words, DONE, 0);
    Atomics.store(words, CLAIM, (this.#round << (2 * INDEX_BITS)) | (count << INDEX_BITS));
    Atomics.add(words, ROUND, 1);
    Atomics.notify(words, ROUND);
    for (;;) {
      const claim = Atomics.load(words, CLAIM);
      const index = claim & INDEX_MASK;
      if (index >= count) break;
      if (Atomics.compareExchange(words, CLAIM, claim, claim + 1) !== claim) continue;
      this.#perform(index);
      Atomics.add(words, DONE, 1);
    }
    for (;;) {
      const done = Atomics.load(words, DONE);
      if (done === count) return;
      if (Atomics.wait(words, DONE, done, PATIENCE_MS) === 'timed-out') {
        throw new TreeError('a thread that helps to grow trees does not answer; fit with threads 1', {
          cause: this.#failed,
        });
      }
    }
  }

  /** Ends the helpers. */
  async close(): Promise<void> {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, ROUND, 1);
    Atomics.notify(this.#words, ROUND);
    await Promise.all(this.#helpers.map((helper) => helper.terminate()));
  }

  #perform(index: number): void {
    const words = this.#words;
    const task = CONTROL_WORDS + index * TASK_WORDS;
    for (let i = words[task]!; i < words[task + 1]!; i++) {
      const at = this.#calls + i * CALL_WORDS;
      this.#list[words[at]!]!(
        words[at + 1]!,
        words[at + 2]!,
        words[at + 3]!,
        words[at + 4]!,
        words[at + 5]!,
        words[at + 6]!,
        words[at + 7]!,
        words[at + 8]!,
        words[at + 9]!,
      );
    }
  }
}
