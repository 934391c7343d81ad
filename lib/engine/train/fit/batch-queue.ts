import type { Rng, RngState } from '../../host/index.ts';
import { type Batch, type BatchSource, toBatch } from './batches.ts';

/** Feeds of batches that are taken together end at so many bytes: they wait in memory, several times over. */
const MOST_BYTES = 2 ** 29;

export interface QueuedBatches {
  /** Number of the first batch. */
  start: number;
  /** Number after the last. */
  end: number;
  /** How many batches are taken together from this one on, at most. */
  together(index: number): number;
}

/** The batches of a run, each built while there is work on those before. */
export class BatchQueue {
  readonly #batches: BatchSource;
  readonly #queued: QueuedBatches;
  readonly #generators: Readonly<Record<string, Rng>>;
  #index: number;
  #next: Promise<Batch[]> | undefined;
  #rngs: Record<string, RngState> = {};

  /** @param generators what building a batch advances */
  constructor(batches: BatchSource, queued: QueuedBatches, generators: Readonly<Record<string, Rng>>) {
    this.#batches = batches;
    this.#queued = queued;
    this.#index = queued.start;
    this.#generators = generators;
    this.#prepare();
  }

  /** The generators' states before the next batches were begun: a checkpoint resumes from there. */
  get rngs(): Record<string, RngState> {
    return this.#rngs;
  }

  /** Starts work on the next batches, then the building of those after them. */
  async take<T>(work: (batches: readonly [Batch, ...Batch[]]) => Promise<T>): Promise<T> {
    const batches = (await this.#next!) as [Batch, ...Batch[]];
    this.#index += batches.length;
    const working = work(batches);
    this.#prepare();
    return working;
  }

  /** Lets batches in the making be finished, so that nothing of the run goes on after it. */
  async end(): Promise<void> {
    await this.#next?.catch(() => {});
  }

  #prepare(): void {
    this.#rngs = Object.fromEntries(
      Object.entries(this.#generators).map(([name, rng]) => [name, rng.state()]),
    );
    const { end, together } = this.#queued;
    this.#next = this.#index < end ? this.#build(this.#index, together(this.#index)) : undefined;
    // a failure surfaces when the batches are awaited
    this.#next?.catch(() => {});
  }

  async #build(from: number, most: number): Promise<Batch[]> {
    const built: Batch[] = [];
    for (let bytes = 0; built.length === 0 || (built.length < most && bytes < MOST_BYTES); ) {
      const batch = toBatch(await this.#batches.at(from + built.length));
      for (const { data } of Object.values(batch.feeds)) bytes += data.byteLength;
      built.push(batch);
    }
    return built;
  }
}
