import type { Edges } from './bins.ts';
import { withDirection } from './direction.ts';
import { COLUMNS_PER_PASS } from './kernels/index.ts';
import { leafScore, leafWeight, ROUNDING } from './leaf-score.ts';
import { partitionRows } from './partition-rows.ts';
import type { Answer, LeafLimits, Range, Space, Sums, Units } from './space.ts';
import { GrowingTree } from './tree.ts';
import { gradientOf, hessianOf, minus, rowsOf } from './units.ts';

export interface LeafWiseOptions {
  readonly leaves: number;
  /** Splits from the root to a leaf; Infinity: no limit. */
  readonly depth: number;
  readonly l2: number;
  readonly minRows: number;
  readonly minWeight: number;
  readonly minGain: number;
  /** Per column: 1 rising, -1 falling, 0 free. */
  readonly monotone: Int8Array;
}

/** A leaf of a grown tree, with the ranges of rows that ended there. */
export interface GrownLeaf {
  readonly node: number;
  /** Before the learning rate. */
  readonly weight: number;
  readonly grown: Range;
  readonly following: Range;
}

interface Leaf extends GrownLeaf {
  readonly depth: number;
  readonly sums: Sums;
  readonly low: number;
  readonly high: number;
  /** Its histograms. */
  slot: number;
  split: { column: number; answer: Answer; gain: number } | undefined;
}

/**
 * Grows a tree leaf by leaf, always the leaf whose split gains most (Shi 2007; Ke et al. 2017), from histograms: those of
 * the child with fewer rows are built, those of its sibling are the parent's less these. Gains and weights are of second
 * order (Chen & Guestrin 2016). Monotone constraints bound the weights on either side of a split by the middle of both
 * ("basic" method of LightGBM and XGBoost). Of equal gains the leaf grown first and the lowest column win, so that a tree
 * depends on nothing but rows and options.
 *
 * `space.grown` holds the rows (with their pairs) and `space.following` those that only follow; both end in leaf order.
 */
export function growLeafWise(
  space: Space,
  edges: readonly Edges[],
  active: Int32Array,
  counts: { readonly grown: number; readonly following: number },
  units: Units,
  options: LeafWiseOptions,
): { tree: GrowingTree; leaves: GrownLeaf[] } {
  const tree = new GrowingTree();
  const groups = Math.ceil(active.length / COLUMNS_PER_PASS);
  let slots = 1;

  const limitsOf = (leaf: Leaf): LeafLimits => {
    const own = leafScore(gradientOf(leaf.sums, units), hessianOf(leaf.sums, units), options.l2, leaf.weight);
    return {
      l2: options.l2,
      minRows: options.minRows,
      minWeight: options.minWeight,
      low: leaf.low,
      high: leaf.high,
      toBeat: own + Math.max(options.minGain, ROUNDING * Math.abs(own)),
    };
  };
  const ask = (leaf: Leaf, question: number): LeafLimits => {
    const limits = limitsOf(leaf);
    space.ask(question, leaf.sums, units, limits);
    return limits;
  };
  const callScans = (leaf: Leaf, question: number, group: number): void => {
    const end = Math.min(active.length, (group + 1) * COLUMNS_PER_PASS);
    for (let position = group * COLUMNS_PER_PASS; position < end; position++) {
      const column = active[position]!;
      space.callScan(leaf.slot, position, 1, edges[column]!.length, options.monotone[column]!, question);
    }
  };
  const choose = (leaf: Leaf, question: number, limits: LeafLimits): void => {
    let best: { position: number; answer: Answer } | undefined;
    for (let position = 0; position < active.length; position++) {
      const answer = space.answer(question, position);
      if (answer && !(best && answer.gain <= best.answer.gain)) best = { position, answer };
    }
    leaf.split = best && {
      column: active[best.position]!,
      answer: withDirection(best.answer, space, leaf.slot, best.position, leaf.sums, units),
      gain: best.answer.gain - limits.toBeat,
    };
  };
  const canSplit = (leaf: Leaf): boolean =>
    leaf.depth < options.depth && rowsOf(leaf.sums, units) >= 2 * options.minRows;

  const root: Leaf = rootLeaf(tree, space, counts, active, units, options);
  const leaves: Leaf[] = [root];
  if (canSplit(root)) {
    const limits = ask(root, 0);
    for (let group = 0; group < groups; group++) {
      space.team.task();
      callScans(root, 0, group);
    }
    space.run(counts.grown * active.length);
    choose(root, 0, limits);
  }

  while (leaves.length < options.leaves) {
    const parent = bestOf(leaves);
    if (!parent) break;
    const [left, right] = splitLeaf(tree, space, edges, parent, units, options);
    leaves[leaves.indexOf(parent)] = left;
    leaves.push(right);
    if (leaves.length === options.leaves) break;
    const searched = [left, right].filter(canSplit);
    if (searched.length === 0) continue;
    const [small, large] = left.grown.count <= right.grown.count ? [left, right] : [right, left];
    small.slot = slots++;
    large.slot = parent.slot;
    const limits = searched.map(ask);
    for (let group = 0; group < groups; group++) {
      space.team.task();
      space.callHistogram(small.slot, group, active, small.grown, units);
      space.callSubtract(large.slot, small.slot, group);
      searched.forEach((leaf, question) => {
        callScans(leaf, question, group);
      });
    }
    space.run(small.grown.count * active.length);
    searched.forEach((leaf, question) => {
      choose(leaf, question, limits[question]!);
    });
  }
  return { tree, leaves };
}

/** The root with its histograms in slot 0. */
function rootLeaf(
  tree: GrowingTree,
  space: Space,
  counts: { readonly grown: number; readonly following: number },
  active: Int32Array,
  units: Units,
  { l2 }: LeafWiseOptions,
): Leaf {
  const grown = { start: 0, count: counts.grown };
  for (let group = 0; group * COLUMNS_PER_PASS < active.length; group++) {
    space.team.task();
    space.callHistogram(0, group, active, grown, units);
  }
  space.run(grown.count * active.length);
  const sums = space.sums(0);
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return {
    node: tree.leaf(),
    depth: 0,
    weight: leafWeight(gradientOf(sums, units), hessianOf(sums, units), l2, low, high),
    grown,
    following: { start: 0, count: counts.following },
    ...{ sums, low, high, slot: 0, split: undefined },
  };
}

function bestOf(leaves: readonly Leaf[]): Leaf | undefined {
  let best: Leaf | undefined;
  for (const leaf of leaves) {
    if (leaf.split && (!best?.split || leaf.split.gain > best.split.gain)) best = leaf;
  }
  return best;
}

/** Splits a leaf's rows and gives both children their weights and bounds. */
function splitLeaf(
  tree: GrowingTree,
  space: Space,
  edges: readonly Edges[],
  parent: Leaf,
  units: Units,
  { l2, monotone }: LeafWiseOptions,
): [Leaf, Leaf] {
  const { column, answer } = parent.split!;
  const node = tree.split(parent.node, column, answer.bin, answer.missingLeft, edges[column]!);
  const sums = [answer.left, minus(parent.sums, answer.left)];
  const weights = sums.map((side) =>
    leafWeight(gradientOf(side, units), hessianOf(side, units), l2, parent.low, parent.high),
  );
  const middle = (weights[0]! + weights[1]!) / 2;
  const direction = monotone[column]!;
  const ranges = (['grown', 'following'] as const).map((list) => {
    const { start, count } = parent[list];
    const left = partitionRows(space, list, parent[list], column, answer);
    return [
      { start, count: left },
      { start: start + left, count: count - left },
    ] as const;
  });
  const child = (side: 0 | 1): Leaf => {
    const isUpper = direction !== 0 && direction > 0 === (side === 1);
    const isLower = direction !== 0 && !isUpper;
    return {
      node: node + side,
      depth: parent.depth + 1,
      sums: sums[side]!,
      weight: weights[side]!,
      low: isUpper ? middle : parent.low,
      high: isLower ? middle : parent.high,
      grown: ranges[0]![side],
      following: ranges[1]![side],
      slot: -1,
      split: undefined,
    };
  };
  return [child(0), child(1)];
}
