import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lowerBound } from '../features/index.ts';

/**
 * Ranks over all users without all of them in memory: each shard's logits are sorted by themselves, one pass over the
 * sorted shards counts, and each shard gets its ranks back in the order that it was sorted in. Users with the same logit
 * follow each other by hash, and shards are ranges of hashes, so of two equal logits that of the earlier shard comes first.
 */

/** Where the ranks of a shard stand among those of its task: rows from the first one, in sorted order. */
export interface Segment {
  readonly from: number;
  readonly count: number;
}

/** Values of a sorted shard, or ranks of one, that are in memory at a time. */
const BLOCK = 4096;

const sortedFile = (folder: string, task: number, shard: number): string =>
  join(folder, `sorted-${task}-${shard}`);
const ranksFile = (folder: string, task: number): string => join(folder, `ranks-${task}`);

/**
 * Files a shard's logits of a task, highest first.
 * @returns how many there are: users who are not asked have none
 */
export async function fileSorted(
  folder: string,
  task: number,
  shard: number,
  logits: Float64Array,
): Promise<number> {
  const values = descending(logits);
  await writeFile(sortedFile(folder, task, shard), bytesOf(values));
  return values.length;
}

/** The logits that are there, negated, in ascending order; 0 and -0 are one value. */
function descending(logits: Float64Array): Float64Array {
  return logits
    .filter((logit) => !Number.isNaN(logit))
    .map((logit) => 0 - logit)
    .sort();
}

/**
 * Ranks what `fileSorted` has filed of all shards of a task.
 * @param segments of the shards, in their order
 */
export function mergeRanks(folder: string, task: number, segments: readonly Segment[]): void {
  const out = openSync(ranksFile(folder, task), 'w');
  try {
    const runs = segments.flatMap((segment, shard) =>
      segment.count > 0 ? [new SortedRun(sortedFile(folder, task, shard), segment, out)] : [],
    );
    const heap = new RunHeap(runs);
    for (let rank = 1; ; rank++) {
      const run = heap.first;
      if (!run) return;
      run.rank(rank);
      heap.settle();
    }
  } finally {
    closeSync(out);
  }
}

/**
 * The ranks of a shard's rows in one task; 0 where a row has no logit.
 * @param order rows of the shard in the order that decides between equal logits
 */
export async function readRanks(
  folder: string,
  task: number,
  shard: number,
  { from, count }: Segment,
  logits: Float64Array,
  order: Iterable<number>,
): Promise<Uint32Array> {
  const sorted = new Float64Array((await whole(sortedFile(folder, task, shard))).buffer);
  const filed = new Uint32Array(count);
  const file = await open(ranksFile(folder, task), 'r');
  try {
    await file.read(bytesOf(filed), 0, 4 * count, 4 * from);
  } finally {
    await file.close();
  }
  const ranks = new Uint32Array(logits.length);
  // How many rows of the same logit came before, by the first place of that logit.
  const taken = new Uint32Array(count);
  for (const row of order) {
    const logit = logits[row]!;
    if (Number.isNaN(logit)) continue;
    const first = lowerBound(sorted, 0 - logit);
    ranks[row] = filed[first + taken[first]!++]!;
  }
  return ranks;
}

/** A buffer of its own, so that numbers may be read from its beginning. */
async function whole(path: string): Promise<{ buffer: ArrayBuffer }> {
  const bytes = await readFile(path);
  return { buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** A sorted shard that is read, and the ranks that it is given. */
class SortedRun {
  /** The value that waits for its rank. */
  head = 0;
  readonly #path: string;
  readonly #segment: Segment;
  readonly #out: number;
  readonly #values = new Float64Array(BLOCK);
  readonly #ranks = new Uint32Array(BLOCK);
  /** Values that were read, and those that have a rank. */
  #read = 0;
  #ranked = 0;

  constructor(path: string, segment: Segment, out: number) {
    this.#path = path;
    this.#segment = segment;
    this.#out = out;
    this.#fill();
  }

  get done(): boolean {
    return this.#ranked === this.#segment.count;
  }

  rank(rank: number): void {
    this.#ranks[this.#ranked % BLOCK] = rank;
    this.#ranked += 1;
    if (this.#ranked === this.#read) this.#next();
    else this.head = this.#values[this.#ranked % BLOCK]!;
  }

  #next(): void {
    const length = this.#ranked % BLOCK || BLOCK;
    const at = this.#segment.from + this.#ranked - length;
    writeWhole(this.#out, bytesOf(this.#ranks.subarray(0, length)), 4 * at);
    if (!this.done) this.#fill();
  }

  /** Opened for each block: there may be more shards than a process may have files open. */
  #fill(): void {
    const length = Math.min(BLOCK, this.#segment.count - this.#read);
    const file = openSync(this.#path, 'r');
    try {
      readSync(file, bytesOf(this.#values.subarray(0, length)), 0, 8 * length, 8 * this.#read);
    } finally {
      closeSync(file);
    }
    this.#read += length;
    this.head = this.#values[0]!;
  }
}

function writeWhole(file: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

/** The run whose head comes next, of runs in the order that decides between equal heads. */
class RunHeap {
  readonly #runs: readonly SortedRun[];
  /** Indices of runs: none comes before that of half its place. */
  readonly #heap: Uint32Array;
  #size: number;

  constructor(runs: readonly SortedRun[]) {
    this.#runs = runs;
    this.#heap = Uint32Array.from(runs, (_, i) => i);
    this.#size = runs.length;
    for (let place = this.#size >> 1; place >= 0; place--) this.#sink(place);
  }

  get first(): SortedRun | undefined {
    return this.#size > 0 ? this.#runs[this.#heap[0]!] : undefined;
  }

  /** Call it once the first one has another head, or none. */
  settle(): void {
    if (this.first?.done) {
      this.#size -= 1;
      this.#heap[0] = this.#heap[this.#size]!;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    for (let place = from; ; ) {
      let least = place;
      for (let child = 2 * place + 1; child <= 2 * place + 2 && child < this.#size; child++) {
        if (this.#before(child, least)) least = child;
      }
      if (least === place) return;
      const moved = this.#heap[place]!;
      this.#heap[place] = this.#heap[least]!;
      this.#heap[least] = moved;
      place = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [i, j] = [this.#heap[a]!, this.#heap[b]!];
    const [x, y] = [this.#runs[i]!.head, this.#runs[j]!.head];
    return x < y || (x === y && i < j);
  }
}
