import { TreeError } from './errors.ts';
import type { LossName } from './loss.ts';

export interface BoostingOptions {
  /** 'logistic' */
  readonly loss?: LossName;
  /** Classes of the softmax loss, from 2. */
  readonly classes?: number;
  /** Which quantile the quantile loss predicts, between 0 and 1. 0.5 */
  readonly quantile?: number;
  /** How the variance rises with the mean by the tweedie loss: mean^p, between 1 (Poisson) and 2 (gamma). 1.5 */
  readonly variancePower?: number;
  /** Rounds of boosting: trees per output, at most. 200 */
  readonly trees?: number;
  /** Factor of every leaf (shrinkage, Friedman 2001). 0.1 */
  readonly learningRate?: number;
  /** Leaves of a tree, at most. 31 */
  readonly maxLeaves?: number;
  /** Splits from the root to a leaf, at most. No limit */
  readonly maxDepth?: number;
  /** L2 penalty of leaf weights. 1 */
  readonly l2?: number;
  /** Rows in a leaf, at least. 20 */
  readonly minRowsInLeaf?: number;
  /** Sum of hessians in a leaf, at least. 0.001 */
  readonly minChildWeight?: number;
  /** What a split must gain, at least. 0 */
  readonly minGain?: number;
  /** Share of the rows that each round is grown from, drawn anew (bagging, without repetition). 1 */
  readonly subsample?: number;
  /** Share of the columns that each tree looks at, drawn anew. 1 */
  readonly columnSubsample?: number;
  /** Per column 1 (the score never falls as the value rises), -1 (never rises) or 0. All 0 */
  readonly monotone?: readonly number[];
  /** Columns that hold codes of categories (0, 1, 2 …). None */
  readonly categorical?: readonly number[];
  /** Rows of the mean label that a category's statistic starts from; above 0. 10 */
  readonly smoothing?: number;
  /** Ranges of values of a column, 2 to 255. 255 */
  readonly maxBins?: number;
  /** Rows that the ranges are found from, at most. 65536 */
  readonly binRows?: number;
  /** Rounds without a better validation loss after which a seed's training ends. 50 */
  readonly patience?: number;
  /** Models of different seeds that are averaged. 1 */
  readonly seeds?: number;
  /** The model does not depend on it. 2 */
  readonly threads?: number;
}

export interface ForestOptions {
  /** 'random': Breiman 2001; 'extra': random thresholds, no bootstrap (Geurts, Ernst & Wehenkel 2006). 'random' */
  readonly kind?: 'random' | 'extra';
  /** 100 */
  readonly trees?: number;
  /** Columns that each split looks at. √columns, rounded down */
  readonly columnsPerSplit?: number;
  /** Splits from the root to a leaf, at most. No limit */
  readonly maxDepth?: number;
  /** Rows in a leaf, at least; a row that the bootstrap drew twice counts once. 1 */
  readonly minRowsInLeaf?: number;
  /** As in boosting; labels decide the encodings. None */
  readonly categorical?: readonly number[];
  readonly smoothing?: number;
  readonly maxBins?: number;
  readonly binRows?: number;
  readonly threads?: number;
}

export type Resolved<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

const shared = { categorical: [], smoothing: 10, maxBins: 255, binRows: 65_536, threads: 2 } as const;

/** The options with defaults. @throws TreeError naming the option, what was given and what is expected */
export function boostingOptions(columns: number, given: BoostingOptions): Resolved<BoostingOptions> {
  const options: Resolved<BoostingOptions> = {
    loss: 'logistic',
    classes: 2,
    quantile: 0.5,
    variancePower: 1.5,
    trees: 200,
    learningRate: 0.1,
    maxLeaves: 31,
    maxDepth: Number.POSITIVE_INFINITY,
    l2: 1,
    minRowsInLeaf: 20,
    minChildWeight: 1e-3,
    minGain: 0,
    subsample: 1,
    columnSubsample: 1,
    monotone: new Array(columns).fill(0),
    patience: 50,
    seeds: 1,
    ...shared,
    ...defined(given),
  };
  whole(options, 1, 'trees', 'minRowsInLeaf', 'patience', 'seeds', 'threads', 'binRows');
  whole(options, 2, 'classes', 'maxLeaves', 'maxBins');
  within(options, 0, 1, 'learningRate', 'subsample', 'columnSubsample');
  notNegative(options, 'l2', 'minChildWeight', 'minGain');
  checkDepth(options.maxDepth);
  checkBins(options.maxBins);
  checkCategorical(columns, options);
  between(options, 0, 1, 'quantile');
  between(options, 1, 2, 'variancePower');
  if (options.categorical.length > 0 && options.loss === 'softmax') {
    throw new TreeError(
      'categorical columns were given with the softmax loss, whose labels have no mean; encode them before',
    );
  }
  const { monotone } = options;
  if (monotone.length !== columns || monotone.some((one) => one !== 0 && Math.abs(one) !== 1)) {
    throw new TreeError(
      `monotone is [${monotone}]; ${columns} numbers of 1, -1 or 0 are expected, one per column`,
    );
  }
  if (options.loss === 'quantile' && monotone.some((one) => one !== 0)) {
    throw new TreeError(
      'monotone columns were given with the quantile loss, whose leaves are quantiles and keep no order; leave one of both out',
    );
  }
  return options;
}

/** The options with defaults. @throws TreeError naming the option, what was given and what is expected */
export function forestOptions(columns: number, given: ForestOptions): Resolved<ForestOptions> {
  const options: Resolved<ForestOptions> = {
    kind: 'random',
    trees: 100,
    columnsPerSplit: Math.max(1, Math.floor(Math.sqrt(columns))),
    maxDepth: Number.POSITIVE_INFINITY,
    minRowsInLeaf: 1,
    ...shared,
    ...defined(given),
  };
  whole(options, 1, 'trees', 'columnsPerSplit', 'minRowsInLeaf', 'threads', 'binRows');
  whole(options, 2, 'maxBins');
  if (options.columnsPerSplit > columns) {
    throw new TreeError(
      `columnsPerSplit is ${options.columnsPerSplit}; at most the ${columns} columns of the table are expected`,
    );
  }
  checkDepth(options.maxDepth);
  checkBins(options.maxBins);
  checkCategorical(columns, options);
  return options;
}

function defined<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

function whole<T, K extends keyof T & string>(options: T, least: number, ...names: readonly K[]): void {
  for (const name of names) {
    if (Number.isInteger(options[name]) && (options[name] as number) >= least) continue;
    throw new TreeError(`${name} is ${options[name]}; a whole number from ${least} is expected`);
  }
}

function within<T, K extends keyof T & string>(
  options: T,
  above: number,
  most: number,
  ...names: readonly K[]
): void {
  for (const name of names) {
    const value = options[name] as number;
    if (value > above && value <= most) continue;
    throw new TreeError(`${name} is ${value}; a number above ${above} and at most ${most} is expected`);
  }
}

function between<T, K extends keyof T & string>(options: T, above: number, below: number, name: K): void {
  const value = options[name] as number;
  if (value > above && value < below) return;
  throw new TreeError(`${name} is ${value}; a number between ${above} and ${below} is expected`);
}

function notNegative<T, K extends keyof T & string>(options: T, ...names: readonly K[]): void {
  for (const name of names) {
    if (Number.isFinite(options[name]) && (options[name] as number) >= 0) continue;
    throw new TreeError(`${name} is ${options[name]}; a finite number from 0 is expected`);
  }
}

function checkDepth(depth: number): void {
  if (depth === Number.POSITIVE_INFINITY || (Number.isInteger(depth) && depth >= 1)) return;
  throw new TreeError(`maxDepth is ${depth}; a whole number from 1 is expected, or none for no limit`);
}

function checkBins(bins: number): void {
  if (bins > 255) throw new TreeError(`maxBins is ${bins}; at most 255 are expected, a bin is a byte`);
}

function checkCategorical(
  columns: number,
  { categorical, smoothing }: { readonly categorical: readonly number[]; readonly smoothing: number },
): void {
  const wrong = categorical.find(
    (column, i) =>
      !Number.isInteger(column) || column < 0 || column >= columns || categorical.indexOf(column) !== i,
  );
  if (wrong !== undefined) {
    throw new TreeError(
      `categorical names column ${wrong}; different columns from 0 to ${columns - 1} are expected`,
    );
  }
  if (!(smoothing > 0 && smoothing < Number.POSITIVE_INFINITY)) {
    throw new TreeError(`smoothing is ${smoothing}; a finite number above 0 is expected`);
  }
}
