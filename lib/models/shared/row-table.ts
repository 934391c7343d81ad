/**
 * What the users model learns from: one row per user and cut-off day. Everything in a row but its labels is known on
 * the cut-off day; labels are what happened from then on, and never reach beyond the as-of day.
 */
export interface UserRows {
  readonly count: number;
  /** Users at cut-offs that there were to draw the rows from. */
  readonly of: number;
  readonly width: number;
  /** (count, width) raw features. */
  readonly features: Float32Array;
  readonly cutoff: Int32Array;
  /** A number in [0, 1) per user, the same at all cut-offs: for folds. */
  readonly unit: Float32Array;
  /** (count, bins): 1 or 0 for a part of the window, NaN where the row is not at risk or not in the population. */
  readonly labels: Float32Array;
  /** (count, tasks): outcome of the whole window, NaN outside the population. */
  readonly outcomes: Float32Array;
  /** (count, length, VISIT_FIELDS), and how many visits each row has. */
  readonly visitIds: Int32Array;
  readonly visits: Int32Array;
  /** (count, places, TEXT_FIELDS), empty where no texts are read, and the texts by their numbers. */
  readonly texts: Int32Array;
  readonly textOf: readonly string[];
}

/** Numbers that each row has in each column. */
interface RowWidths {
  readonly width: number;
  readonly outputs: number;
  readonly tasks: number;
  readonly visitIds: number;
  readonly texts: number;
}

/** Share of the rows that stays when there are too many. */
const SHED = 0.75;
/** Multiples of the golden section spread evenly over [0, 1): a user's cut-offs are drawn apart from one another. */
const GOLDEN = 0.618033988749895;

/** Columns that grow, and shed rows once there are too many: each user at each cut-off has a draw of its own. */
export class RowTable {
  count = 0;
  /** Rows that were offered. */
  of = 0;
  features: Float32Array;
  labels: Float32Array;
  outcomes: Float32Array;
  visitIds: Int32Array;
  texts: Int32Array;
  cutoff = new Int32Array(1024);
  unit = new Float32Array(1024);
  visits = new Int32Array(1024);
  readonly #widths: RowWidths;
  readonly #limit: number;
  #draw = new Float32Array(1024);
  /** Rows whose draw is at or above this are left out. */
  #threshold = 1;

  constructor(widths: RowWidths, limit: number) {
    this.#widths = widths;
    this.#limit = limit;
    this.features = new Float32Array(1024 * widths.width);
    this.labels = new Float32Array(1024 * widths.outputs);
    this.outcomes = new Float32Array(1024 * widths.tasks);
    this.visitIds = new Int32Array(1024 * widths.visitIds);
    this.texts = new Int32Array(1024 * widths.texts);
  }

  /** A new row, or undefined where it is not drawn. @param unit a number in [0, 1) per user */
  add(unit: number, cutoff: number): number | undefined {
    this.of++;
    const draw = (unit + cutoff * GOLDEN) % 1;
    if (draw >= this.#threshold) return undefined;
    if (this.count >= this.#limit) {
      this.#threshold *= SHED;
      this.#keep((row) => this.#draw[row]! < this.#threshold);
      if (draw >= this.#threshold) return undefined;
    }
    if (this.count === this.cutoff.length) this.#resize(this.count * 2);
    this.unit[this.count] = unit;
    this.#draw[this.count] = draw;
    this.cutoff[this.count] = cutoff;
    return this.count++;
  }

  finish(textOf: readonly string[]): UserRows {
    const { width, outputs, tasks, visitIds, texts } = this.#widths;
    const n = this.count;
    return {
      count: n,
      of: this.of,
      width,
      features: this.features.subarray(0, n * width),
      cutoff: this.cutoff.subarray(0, n),
      unit: this.unit.subarray(0, n),
      labels: this.labels.subarray(0, n * outputs),
      outcomes: this.outcomes.subarray(0, n * tasks),
      visitIds: this.visitIds.subarray(0, n * visitIds),
      visits: this.visits.subarray(0, n),
      texts: this.texts.subarray(0, n * texts),
      textOf,
    };
  }

  #columns(): { array: Float32Array | Int32Array; width: number }[] {
    const { width, outputs, tasks, visitIds, texts } = this.#widths;
    return [
      { array: this.features, width },
      { array: this.labels, width: outputs },
      { array: this.outcomes, width: tasks },
      { array: this.visitIds, width: visitIds },
      { array: this.texts, width: texts },
      { array: this.cutoff, width: 1 },
      { array: this.unit, width: 1 },
      { array: this.#draw, width: 1 },
      { array: this.visits, width: 1 },
    ];
  }

  #keep(test: (row: number) => boolean): void {
    const columns = this.#columns();
    let kept = 0;
    for (let row = 0; row < this.count; row++) {
      if (!test(row)) continue;
      for (const { array, width } of columns) array.copyWithin(kept * width, row * width, (row + 1) * width);
      kept++;
    }
    this.count = kept;
  }

  #resize(rows: number): void {
    const { width, outputs, tasks, visitIds, texts } = this.#widths;
    const floats = (old: Float32Array, w: number) => {
      const grown = new Float32Array(rows * w);
      grown.set(old);
      return grown;
    };
    const ints = (old: Int32Array, w: number) => {
      const grown = new Int32Array(rows * w);
      grown.set(old);
      return grown;
    };
    this.features = floats(this.features, width);
    this.labels = floats(this.labels, outputs);
    this.outcomes = floats(this.outcomes, tasks);
    this.visitIds = ints(this.visitIds, visitIds);
    this.texts = ints(this.texts, texts);
    this.cutoff = ints(this.cutoff, 1);
    this.unit = floats(this.unit, 1);
    this.#draw = floats(this.#draw, 1);
    this.visits = ints(this.visits, 1);
  }
}
