import { type GraphBuilder, type Operand, staticShape, type Value } from '../onnx/index.ts';

/** A score this low leaves its class without probability, in float32 too. */
const NEVER = -1e9;
/** torch's label for "no target here". */
export const IGNORED = -100;

/** Σ w l / Σ w, and 0 where all weights are 0; a plain mean without weights. */
function weightedMean(g: GraphBuilder, losses: Value, weights: Value | undefined): Value {
  if (!weights) return g.reduceMean(losses);
  return ratio(g, g.reduceSum(g.mul(losses, weights)), sumLike(g, weights, losses));
}

/** Σ of the weights as often as they are used when broadcast against the losses. */
function sumLike(g: GraphBuilder, weights: Value, losses: Value): Value {
  const same = weights.shape.length === losses.shape.length;
  const whole = same && weights.shape.every((dim, i) => dim === losses.shape[i]);
  return g.reduceSum(whole ? weights : g.add(g.mul(losses, 0), weights));
}

/** a / b, and 0 where b is 0. */
function ratio(g: GraphBuilder, a: Value, b: Value): Value {
  return g.div(a, g.where(g.equal(b, 0), 1, b));
}

/**
 * Binary cross-entropy of logits, -(p y log σ(z) + (1 - y) log(1 - σ(z))), through softplus so that no logarithm of a
 * rounded 0 is taken.
 * @param logits any shape
 * @param labels 0 to 1, of the same shape
 * @param options posWeight p: a number or a value that broadcasts; weights: of rows or elements, broadcast against the
 * logits; the result is Σ w l / Σ w (torch divides by the count instead), the mean without weights
 * @returns scalar
 */
export function bceWithLogits(
  g: GraphBuilder,
  logits: Value,
  labels: Value,
  { posWeight, weights }: { readonly posWeight?: Operand; readonly weights?: Value } = {},
): Value {
  const missed = g.mul(labels, g.softplus(g.neg(logits)));
  const positive = posWeight === undefined ? missed : g.mul(missed, posWeight);
  const losses = g.add(positive, g.mul(g.sub(1, labels), g.softplus(logits)));
  return weightedMean(g, losses, weights);
}

export interface CrossEntropyOptions {
  /** Share ε of the target spread evenly over all classes (Szegedy et al. 2016, section 7); default 0. */
  readonly smoothing?: number;
  /** Rows with this label count for nothing; without it every row counts. */
  readonly ignoreIndex?: number;
  /** Of rows, in the shape of the labels. */
  readonly weights?: Value;
  /** (classes); as in torch, the result is divided by the weights of the rows' labels. */
  readonly classWeights?: Value;
}

/**
 * Softmax cross-entropy, (1 - ε) (-log p_y) + ε / C Σ_c (-log p_c), averaged over the rows that count (weighted); 0 if
 * none does.
 * @param logits (…, classes), a fixed number of classes
 * @param labels int64 (…)
 * @returns scalar
 */
export function crossEntropy(
  g: GraphBuilder,
  logits: Value,
  labels: Value,
  { smoothing = 0, ignoreIndex, weights, classWeights }: CrossEntropyOptions = {},
): Value {
  const logp = g.logSoftmax(logits);
  const counted = ignoreIndex === undefined ? undefined : g.not(g.equal(labels, ignoreIndex));
  const safe = counted ? g.where(counted, labels, 0) : labels;
  const weighed = classWeights ? g.mul(logp, classWeights) : logp;
  const picked = g.squeeze(g.gatherElements(weighed, g.unsqueeze(safe, [-1])), [-1]);
  const even = smoothing === 0 ? undefined : g.mul(g.reduceMean(weighed, [-1]), smoothing);
  const losses = g.neg(even ? g.add(g.mul(picked, 1 - smoothing), even) : picked);
  const factors = [...(counted ? [g.cast(counted, 'float32')] : []), ...(weights ? [weights] : [])];
  if (factors.length === 0 && !classWeights) return g.reduceMean(losses);
  const product = (values: readonly Value[]): Value => values.reduce((all, value) => g.mul(all, value));
  const total = g.reduceSum(product([losses, ...factors]));
  const sizes = classWeights ? [g.gather(classWeights, safe), ...factors] : factors;
  return ratio(g, total, g.reduceSum(product(sizes)));
}

/** 0, 1, … for the rows of a matrix, int64 (rows). */
function rowNumbers(g: GraphBuilder, matrix: Value): Value {
  const fixed = staticShape(matrix.shape.slice(0, 1));
  if (fixed) return g.ints(Array.from({ length: fixed[0]! }, (_, i) => i));
  const rows = g.squeeze(g.op('Shape', [matrix], { start: 0, end: 1 }), [0]);
  return g.op('Range', [g.constant(0, 'int64'), rows, g.constant(1, 'int64')]);
}

/** Rows of Euclidean length 1; one shorter than 1e-12 is divided by 1e-12 and has a finite gradient. */
export function unitRows(g: GraphBuilder, x: Value): Value {
  return g.div(x, g.sqrt(g.max(g.reduceSum(g.square(x), [-1], true), 1e-24)));
}

/**
 * InfoNCE over a batch of pairs: each row of `a` picks its own row of `b` among all, by cosine (van den Oord et al. 2018;
 * symmetric: Radford et al. 2021).
 * @param a (n, width)
 * @param b (n, width)
 * @param options temperature divides the cosines; symmetric: mean of both directions
 * @returns scalar
 */
export function infoNce(
  g: GraphBuilder,
  a: Value,
  b: Value,
  { temperature, symmetric = false }: { readonly temperature: Operand; readonly symmetric?: boolean },
): Value {
  const scores = g.div(g.matmulT(unitRows(g, a), unitRows(g, b), { transB: true }), temperature);
  const forward = crossEntropy(g, scores, rowNumbers(g, scores));
  if (!symmetric) return forward;
  const columns = g.transpose(scores, [1, 0]);
  return g.mul(g.add(forward, crossEntropy(g, columns, rowNumbers(g, columns))), 0.5);
}

/**
 * Softmax over the items of the batch instead of all items: user · item - log q corrects for popular items being drawn
 * more often (Yi et al. 2019, "Sampling-bias-corrected neural modeling").
 * @param users (n, width)
 * @param items (n, width), the item of each user
 * @param options itemIds integers (n): another row with the same item is no negative; logQ (n): log of how likely each
 * item is to be in a batch; temperature divides the products, default 1; weights of rows (n)
 * @returns scalar
 */
export function sampledSoftmaxInBatch(
  g: GraphBuilder,
  users: Value,
  items: Value,
  {
    itemIds,
    logQ,
    temperature = 1,
    weights,
  }: {
    readonly itemIds?: Value;
    readonly logQ?: Value;
    readonly temperature?: Operand;
    readonly weights?: Value;
  } = {},
): Value {
  const products = g.matmulT(users, items, { transB: true });
  const scaled = temperature === 1 ? products : g.div(products, temperature);
  const scores = logQ ? g.sub(scaled, logQ) : scaled; // (n, n)
  const rows = rowNumbers(g, scores);
  const across = (values: Value): Value => g.equal(g.unsqueeze(values, [1]), g.unsqueeze(values, [0]));
  const negatives = itemIds ? g.where(g.and(across(itemIds), g.not(across(rows))), NEVER, scores) : scores;
  return crossEntropy(g, negatives, rows, weights ? { weights } : {});
}

/**
 * Cross-entropy of masked tokens (Devlin et al. 2019), with logits computed at the masked places alone: a vocabulary of
 * 30,000 at every place would cost more than the encoder.
 * @param hidden (batch, length, width)
 * @param positions int64 (m), places in the flattened (batch * length); fill up with 0 and an ignored label
 * @param labels int64 (m), `IGNORED` (-100) where there is none
 * @param project states (m, width) -> logits (m, vocabulary)
 * @returns scalar
 */
export function maskedToken(
  g: GraphBuilder,
  hidden: Value,
  positions: Value,
  labels: Value,
  project: (states: Value) => Value,
  options: CrossEntropyOptions = {},
): Value {
  const rows = g.gather(g.reshape(hidden, [-1, hidden.shape.at(-1)!]), positions);
  return crossEntropy(g, project(rows), labels, { ignoreIndex: IGNORED, ...options });
}
