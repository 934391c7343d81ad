import { TreeError } from './errors.ts';
import {
  ANSWER,
  COLUMN_BYTES,
  COLUMNS_PER_PASS,
  MOST_PAGES,
  QUESTION,
  SEARCHED_EDGES,
} from './kernels/index.ts';
import { MOST_TASKS, Team, teamBytes } from './team.ts';

const PAGE_BYTES = 65_536;
/** Two leaves are searched at a time. */
const QUESTIONS = 2;
/** Leaves of fewer cells (rows x columns) are done by the calling thread: waking another takes longer. */
const SHARED_CELLS = 20_000;
/** Rows of one task, where tasks are ranges of rows. */
export const TASK_ROWS = 16_384;
/** Values on their way into bins. */
const STAGED_VALUES = 2 ** 20;

export interface SpaceOptions {
  /** Rows that trees are grown from. */
  readonly rows: number;
  /** Rows after these that only follow the splits: those of validation. */
  readonly followers: number;
  readonly columns: number;
  /** Columns that one tree or node looks at, at most. */
  readonly active: number;
  /** Histograms held at a time. */
  readonly slots: number;
  /** Are scores, labels and weights held here, for gradients by a kernel? */
  readonly scored: boolean;
  readonly threads: number;
}

type Place =
  | 'columns'
  | 'grown'
  | 'pairs'
  | 'following'
  | 'spareRows'
  | 'sparePairs'
  | 'scores'
  | 'labels'
  | 'weights'
  | 'perUnit'
  | 'staged'
  | 'edges'
  | 'lefts'
  | 'histograms'
  | 'questions'
  | 'answers';

/** What whole numbers in a histogram stand for. */
export interface Units {
  readonly gradient: number;
  readonly hessian: number;
  /** Rows are counted above this bit of the hessian's sum. */
  readonly countShift: number;
}

/** Sums of a leaf, as whole numbers of the units; `hessian` with the rows above. */
export interface Sums {
  readonly gradient: bigint;
  readonly hessian: bigint;
}

/** A column's best split of a leaf. */
export interface Answer {
  readonly gain: number;
  readonly bin: number;
  readonly missingLeft: boolean;
  readonly left: Sums;
}

/** What limits a leaf's split. */
export interface LeafLimits {
  readonly l2: number;
  readonly minRows: number;
  readonly minWeight: number;
  readonly low: number;
  readonly high: number;
  /** A split's gain, with the leaf's own, must be above this. */
  readonly toBeat: number;
}

/**
 * The shared memory in which trees are grown: binned columns, lists of rows with their gradients, histograms, and the
 * kernels' questions and answers. Columns lie one after another (bytes), a list of rows is brought into the order of the
 * leaves as the tree grows, so that a leaf is a range of it.
 */
export class Space {
  readonly team: Team;
  readonly rows: number;
  readonly columns: number;
  /** Rows that a tree is grown from, leaf by leaf. */
  readonly grown: Int32Array;
  /** (gradient, hessian) of each place of `grown`, in the units. */
  readonly pairs: Int32Array;
  /** Rows that only follow the splits. */
  readonly following: Int32Array;
  /** Per row and follower; empty unless scored. */
  readonly scores: Float64Array;
  /** Per row; empty unless scored. */
  readonly labels: Float32Array;
  readonly weights: Float32Array;
  /** What gradients and hessians are multiplied by to be whole numbers. */
  readonly perUnit: Float64Array;
  /** Values, row-major, on their way into bins. */
  readonly staged: Float32Array;
  /** Per column `SEARCHED_EDGES`. */
  readonly edges: Float32Array;
  /** How many rows went left, per task of a partition. */
  readonly lefts: Int32Array;
  /** Where everything lies: addresses in bytes. */
  readonly at: Readonly<Record<Place, number>>;
  /** Bytes of a column and of a slot of histograms. */
  readonly columnBytes: number;
  readonly #slotBytes: number;
  readonly #active: number;
  readonly #floats: Float64Array;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;

  /** @throws TreeError when the table needs more memory than 4 GiB */
  constructor({ rows, followers, columns, active, slots, scored, threads }: SpaceOptions) {
    const all = rows + followers;
    const groups = Math.ceil(active / COLUMNS_PER_PASS);
    const parts = Math.ceil(all / TASK_ROWS);
    const tasks = Math.max(groups, parts, Math.ceil(columns / COLUMNS_PER_PASS));
    if (tasks > MOST_TASKS) {
      throw new TreeError(
        `${all} rows x ${columns} columns were given; at most ${MOST_TASKS * TASK_ROWS} rows and ` +
          `${MOST_TASKS * COLUMNS_PER_PASS} columns are expected; give fewer`,
      );
    }
    let end = 0;
    const take = (bytes: number): number => {
      const start = end;
      end += Math.ceil(bytes / 64) * 64;
      return start;
    };
    // with each group's columns two more calls, and a scan for each column of two leaves
    const block = take(teamBytes(tasks, tasks * (2 + QUESTIONS * COLUMNS_PER_PASS)));
    this.columnBytes = Math.ceil(all / 64) * 64;
    this.#slotBytes = groups * COLUMNS_PER_PASS * COLUMN_BYTES;
    const heldRows = scored ? rows : 0;
    const stagedValues = Math.max(columns, STAGED_VALUES);
    this.at = {
      // the last column is of zeros, it fills groups up
      columns: take(this.columnBytes * (columns + 1)),
      grown: take(4 * rows),
      pairs: take(8 * rows),
      following: take(4 * all),
      spareRows: take(4 * all),
      sparePairs: take(8 * rows),
      scores: take(scored ? 8 * all : 0),
      labels: take(4 * heldRows),
      weights: take(4 * heldRows),
      perUnit: take(16),
      staged: take(4 * stagedValues),
      edges: take(4 * SEARCHED_EDGES * columns),
      lefts: take(4 * parts),
      histograms: take(this.#slotBytes * slots),
      questions: take(QUESTION.bytes * QUESTIONS),
      answers: take(ANSWER.bytes * QUESTIONS * active),
    };
    const pages = Math.ceil(end / PAGE_BYTES);
    if (pages > MOST_PAGES) {
      throw new TreeError(
        `${all} rows x ${columns} columns with ${slots} histograms need ${Math.ceil(end / 2 ** 20)} MiB, and at most 4096 MiB ` +
          'are expected; give fewer rows, columns or leaves',
      );
    }
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const { buffer } = memory;
    this.rows = rows;
    this.columns = columns;
    this.#active = active;
    const { at } = this;
    this.grown = new Int32Array(buffer, at.grown, rows);
    this.pairs = new Int32Array(buffer, at.pairs, 2 * rows);
    this.following = new Int32Array(buffer, at.following, all);
    this.scores = new Float64Array(buffer, at.scores, scored ? all : 0);
    this.labels = new Float32Array(buffer, at.labels, heldRows);
    this.weights = new Float32Array(buffer, at.weights, heldRows);
    this.perUnit = new Float64Array(buffer, at.perUnit, 2);
    this.staged = new Float32Array(buffer, at.staged, stagedValues);
    this.edges = new Float32Array(buffer, at.edges, SEARCHED_EDGES * columns);
    this.lefts = new Int32Array(buffer, at.lefts, parts);
    this.#floats = new Float64Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#longs = new BigInt64Array(buffer);
    this.team = new Team(memory, block, tasks, threads);
  }

  /** Says what is asked for a leaf: 0 or 1. */
  ask(question: number, sums: Sums, units: Units, limits: LeafLimits): void {
    const at = this.at.questions + question * QUESTION.bytes;
    this.#longs[(at + QUESTION.gradient) / 8] = sums.gradient;
    this.#longs[(at + QUESTION.hessian) / 8] = sums.hessian;
    this.#floats[(at + QUESTION.gradientUnit) / 8] = units.gradient;
    this.#floats[(at + QUESTION.hessianUnit) / 8] = units.hessian;
    this.#floats[(at + QUESTION.l2) / 8] = limits.l2;
    this.#floats[(at + QUESTION.minWeight) / 8] = limits.minWeight;
    this.#floats[(at + QUESTION.low) / 8] = limits.low;
    this.#floats[(at + QUESTION.high) / 8] = limits.high;
    this.#floats[(at + QUESTION.toBeat) / 8] = limits.toBeat;
    this.#words[(at + QUESTION.minRows) / 4] = limits.minRows;
    this.#words[(at + QUESTION.countShift) / 4] = units.countShift;
  }

  /** The answer for a column (its position among the active) to a question; undefined when no split is worth it. */
  answer(question: number, position: number): Answer | undefined {
    const at = this.at.answers + (question * this.#active + position) * ANSWER.bytes;
    const bin = this.#words[(at + ANSWER.bin) / 4]!;
    if (bin === 0) return undefined;
    return {
      bin,
      gain: this.#floats[(at + ANSWER.gain) / 8]!,
      missingLeft: this.#words[(at + ANSWER.missingLeft) / 4] === 1,
      left: {
        gradient: this.#longs[(at + ANSWER.gradient) / 8]!,
        hessian: this.#longs[(at + ANSWER.hessian) / 8]!,
      },
    };
  }

  /** The call that fills a slot's histograms of a group of active columns from a range of `grown`. */
  callHistogram(slot: number, group: number, active: Int32Array, range: Range, units: Units): void {
    const { columns, grown, pairs } = this.at;
    const from = grown + 4 * range.start;
    const column = (i: number): number =>
      columns + (active[group * COLUMNS_PER_PASS + i] ?? this.columns) * this.columnBytes;
    this.team.call(
      'histogram',
      from,
      from + 4 * range.count,
      pairs + 8 * range.start,
      column(0),
      column(1),
      column(2),
      column(3),
      this.#histogram(slot, group * COLUMNS_PER_PASS),
      units.countShift,
    );
  }

  /** The call that takes a slot's histograms of a group off another's. */
  callSubtract(from: number, other: number, group: number): void {
    this.team.call(
      'subtract',
      this.#histogram(from, group * COLUMNS_PER_PASS),
      this.#histogram(other, group * COLUMNS_PER_PASS),
      COLUMNS_PER_PASS * COLUMN_BYTES,
    );
  }

  /** The call that searches a column's bins first … last for the split that a question asks for. */
  callScan(
    slot: number,
    position: number,
    first: number,
    last: number,
    monotone: number,
    question: number,
  ): void {
    const { questions, answers } = this.at;
    this.team.call(
      'scan',
      this.#histogram(slot, position),
      first,
      last,
      monotone,
      questions + question * QUESTION.bytes,
      answers + (question * this.#active + position) * ANSWER.bytes,
    );
  }

  /** Does the calls since the last time, shared out if they are for many cells. */
  run(cells: number): void {
    this.team.run(cells < SHARED_CELLS);
  }

  /** The sums of the leaf that a slot's histograms are of. */
  sums(slot: number): Sums {
    const out = this.at.answers;
    this.team.kernels.sumBins(this.#histogram(slot, 0), out);
    return { gradient: this.#longs[out / 8]!, hessian: this.#longs[out / 8 + 1]! };
  }

  /** Has any row of the leaf no value in this column? */
  hasMissing(slot: number, position: number): boolean {
    return !this.#isEmpty(slot, position, 0);
  }

  /** The first and the last bin of values that has rows; undefined when all are missing. */
  filledBins(slot: number, position: number, last: number): { first: number; last: number } | undefined {
    let low = 1;
    while (low <= last && this.#isEmpty(slot, position, low)) low++;
    if (low > last) return undefined;
    let high = last;
    while (this.#isEmpty(slot, position, high)) high--;
    return { first: low, last: high };
  }

  #isEmpty(slot: number, position: number, bin: number): boolean {
    // the second sum of a bin with rows is not 0: it has their number in it
    const at = this.#histogram(slot, position) / 4 + 4 * bin + 2;
    return (this.#words[at]! | this.#words[at + 1]!) === 0;
  }

  #histogram(slot: number, position: number): number {
    return this.at.histograms + slot * this.#slotBytes + position * COLUMN_BYTES;
  }
}

/** Places `start` … `start + count - 1` of a list of rows. */
export interface Range {
  readonly start: number;
  readonly count: number;
}
