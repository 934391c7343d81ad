import type { Edges } from './bins.ts';
import { withDirection } from './direction.ts';
import { Draws } from './draws.ts';
import { COLUMNS_PER_PASS } from './kernels/index.ts';
import { leafScore, leafWeight, ROUNDING } from './leaf-score.ts';
import { partitionRows } from './partition-rows.ts';
import type { Answer, Range, Space, Sums, Units } from './space.ts';
import { GrowingTree } from './tree.ts';
import { gradientOf, hessianOf, minus, rowsOf } from './units.ts';

export interface DepthFirstOptions {
  readonly kind: 'random' | 'extra';
  readonly columnsPerSplit: number;
  readonly depth: number;
  readonly minRows: number;
  /** Names the tree's draws. */
  readonly seed: number;
  readonly index: number;
}

export interface ForestLeaf {
  readonly node: number;
  /** The mean label of its rows. */
  readonly mean: number;
  readonly weight: number;
}

interface Open {
  readonly node: number;
  readonly depth: number;
  readonly grown: Range;
  readonly sums: Sums | undefined;
}

/**
 * Grows a tree to the end, node by node, of the rows in `space.grown` with pairs (-weight x label, weight): G² / H is then
 * the label's sum of squares, whose gain ranks splits of labels 0 and 1 as Gini impurity does (Breiman et al. 1984). Each
 * split looks at a random choice of the columns that vary in the node (Breiman 2001); extra trees at one random threshold of
 * each (Geurts, Ernst & Wehenkel 2006), drawn uniformly between the node's least and largest bins' edges.
 */
export function growDepthFirst(
  space: Space,
  edges: readonly Edges[],
  rows: number,
  units: Units,
  options: DepthFirstOptions,
): { tree: GrowingTree; leaves: ForestLeaf[] } {
  const tree = new GrowingTree();
  const leaves: ForestLeaf[] = [];
  const stack: Open[] = [{ node: tree.leaf(), depth: 0, grown: { start: 0, count: rows }, sums: undefined }];
  for (let open = stack.pop(); open; open = stack.pop()) {
    const found = bestSplit(space, edges, open, units, options);
    const sums = open.sums ?? found.sums;
    if (!found.split) {
      const weight = hessianOf(sums, units);
      leaves.push({ node: open.node, mean: -gradientOf(sums, units) / weight, weight });
      continue;
    }
    const { column, answer } = found.split;
    const { start, count } = open.grown;
    const left = partitionRows(space, 'grown', open.grown, column, answer);
    const node = tree.split(open.node, column, answer.bin, answer.missingLeft, edges[column]!);
    const depth = open.depth + 1;
    stack.push(
      {
        ...{ node: node + 1, depth, sums: minus(sums, answer.left) },
        grown: { start: start + left, count: count - left },
      },
      { node, depth, grown: { start, count: left }, sums: answer.left },
    );
  }
  return { tree, leaves };
}

interface Found {
  readonly sums: Sums;
  readonly split: { readonly column: number; readonly answer: Answer } | undefined;
}

function bestSplit(
  space: Space,
  edges: readonly Edges[],
  { node, depth, grown, sums: known }: Open,
  units: Units,
  options: DepthFirstOptions,
): Found {
  if (known && !canSplit(known, depth, units, options)) return { sums: known, split: undefined };
  const draws = new Draws(options.seed, `node ${options.index}`, node);
  const order = draws.permutation(space.columns);
  const thresholds = new Draws(options.seed, `threshold ${options.index}`, node);
  let sums = known;
  let best: Found['split'];
  let varying = 0;
  // a column that does not vary in the node does not count as looked at
  for (let next = 0; next < order.length && varying < options.columnsPerSplit; ) {
    const active = order.slice(next, next + options.columnsPerSplit - varying);
    next += active.length;
    for (let group = 0; group * COLUMNS_PER_PASS < active.length; group++) {
      space.team.task();
      space.callHistogram(0, group, active, grown, units);
    }
    space.run(grown.count * active.length);
    if (!sums) {
      sums = space.sums(0);
      if (!canSplit(sums, depth, units, options)) break;
    }
    askFor(space, sums, units, options.minRows);
    space.team.task();
    const asked: number[] = [];
    active.forEach((column, position) => {
      const filled = space.filledBins(0, position, edges[column]!.length);
      if (!filled || (filled.first === filled.last && !space.hasMissing(0, position))) return;
      varying++;
      asked.push(position);
      if (options.kind === 'random' || filled.first === filled.last) {
        space.callScan(0, position, 1, edges[column]!.length, 0, 0);
      } else {
        const bin = randomBin(edges[column]!, filled.first, filled.last, thresholds.uniform(column));
        space.callScan(0, position, bin, bin, 0, 0);
      }
    });
    space.run(0);
    for (const position of asked) {
      const answer = space.answer(0, position);
      if (!answer || (best && answer.gain <= best.answer.gain)) continue;
      best = { column: active[position]!, answer: withDirection(answer, space, 0, position, sums, units) };
    }
  }
  return { sums: sums!, split: best };
}

function canSplit(
  sums: Sums,
  depth: number,
  units: Units,
  { depth: most, minRows }: DepthFirstOptions,
): boolean {
  const labels = -gradientOf(sums, units);
  const isPure = labels <= 0 || labels >= hessianOf(sums, units);
  return depth < most && !isPure && rowsOf(sums, units) >= 2 * minRows;
}

function askFor(space: Space, sums: Sums, units: Units, minRows: number): void {
  const [gradient, hessian] = [gradientOf(sums, units), hessianOf(sums, units)];
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const own = leafScore(gradient, hessian, 0, leafWeight(gradient, hessian, 0, low, high));
  space.ask(0, sums, units, { l2: 0, minRows, minWeight: 0, low, high, toBeat: own + ROUNDING * own });
}

/**
 * The bin whose upper edge is nearest to a uniform draw over the edges between two bins' values. The outermost edges get
 * as much on their far side as on the near one, so that evenly spaced values are split evenly.
 */
export function randomBin(edges: Edges, first: number, last: number, draw: number): number {
  const from = edges[first - 1]!;
  const to = edges[last - 2]!;
  if (last - first < 2) return first;
  if (!Number.isFinite(from)) return first + Math.floor(draw * (last - first));
  const low = from - (edges[first]! - from) / 2;
  const high = to + (to - edges[last - 3]!) / 2;
  const threshold = low + draw * (high - low);
  let bin = first;
  while (bin < last - 1 && edges[bin]! - threshold <= threshold - edges[bin - 1]!) bin++;
  return bin;
}
