import { type Batch, type BatchSource, toBatch } from './batches.ts';
import type { Rng, RngState } from './rng.ts';

/** The batches of a run, each built while there is work on the one before. */
export class BatchQueue {
  readonly #batches: BatchSource;
  readonly #end: number;
  readonly #generators: Readonly<Record<string, Rng>>;
  #index: number;
  #next: Promise<Batch> | undefined;
  #rngs: Record<string, RngState> = {};

  /**
   * @param start number of the first batch
   * @param end number after the last
   * @param generators what building a batch advances
   */
  constructor(batches: BatchSource, start: number, end: number, generators: Readonly<Record<string, Rng>>) {
    this.#batches = batches;
    this.#index = start;
    this.#end = end;
    this.#generators = generators;
    this.#prepare();
  }

  /** The generators' states before the next batch was begun: a checkpoint resumes from there. */
  get rngs(): Record<string, RngState> {
    return this.#rngs;
  }

  /** Starts work on the next batch, then the building of the one after it. */
  async take<T>(work: (batch: Batch) => Promise<T>): Promise<T> {
    const working = work(await this.#next!);
    this.#index += 1;
    this.#prepare();
    return working;
  }

  /** Lets a batch in the making be finished, so that nothing of the run goes on after it. */
  async end(): Promise<void> {
    await this.#next?.catch(() => {});
  }

  #prepare(): void {
    this.#rngs = Object.fromEntries(
      Object.entries(this.#generators).map(([name, rng]) => [name, rng.state()]),
    );
    if (this.#index >= this.#end) {
      this.#next = undefined;
      return;
    }
    const index = this.#index;
    this.#next = (async () => toBatch(await this.#batches.at(index)))();
    // a failure surfaces when the batch is awaited
    this.#next.catch(() => {});
  }
}
