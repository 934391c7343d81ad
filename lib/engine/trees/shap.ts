import { encodeValues } from './categories.ts';
import { endOf, type TreeModel } from './model.ts';
import { goesLeft } from './predict.ts';
import { pathContributions } from './shap-path.ts';
import { checkValues } from './table.ts';

export interface TreeShap {
  /** Per output, the mean raw score of the training rows by the trees' covers. */
  readonly expected: Float64Array;
  /** rows x outputs x columns; a row's of an output and `expected` sum to its raw score. */
  readonly contributions: Float64Array;
}

/** A leaf with the path to it. */
interface Leaf {
  readonly value: number;
  /** The different columns of the path, and the share of training rows that follow the path at each. */
  readonly columns: Int32Array;
  readonly zero: Float64Array;
  /** The path's nodes, counted from the tree's root, whether it goes left there, and the node's column's place. */
  readonly nodes: Int32Array;
  readonly sides: Uint8Array;
  readonly places: Int32Array;
  /** Contributions for each set of columns at which a row goes the path's way, NaN until asked for; none for long paths. */
  readonly known: Float64Array | undefined;
}

/** Numbers that are kept of contributions asked for before: 128 MiB. */
const KEPT = 2 ** 24;
const BLOCK_ROWS = 2048;
/** Paths of more columns have too many sets to keep. */
const LONGEST_KEPT = 12;

/**
 * Exact Shapley values of raw scores, path-dependent (TreeSHAP, Lundberg, Erion & Lee 2018, algorithm 2): a column that is
 * not known is averaged over by the training rows that go either way. Between rows the sums over subsets are kept: which
 * they are is decided by the columns of the path at which the row goes its way (as Yang 2021, "Fast TreeSHAP", version 2).
 * For a categorical column the contribution is that of its encoded value.
 */
export class TreeExplainer {
  readonly expected: Float64Array;
  readonly #model: TreeModel;
  readonly #trees: readonly (readonly Leaf[])[];
  readonly #goesLeft: Uint8Array;
  readonly #ones: Uint8Array;
  readonly #out: Float64Array;
  readonly #spare: Float64Array;

  constructor(model: TreeModel) {
    this.#model = model;
    this.expected = Float64Array.from(model.base);
    let budget = KEPT;
    let longest = 0;
    let largest = 0;
    this.#trees = Array.from(model.roots, (root, tree) => {
      const leaves = leavesOf(model, root, budget);
      budget -= leaves.reduce((sum, { known }) => sum + (known?.length ?? 0), 0);
      for (const { value, zero } of leaves) {
        this.expected[model.target[tree]!]! += value * zero.reduce((product, share) => product * share, 1);
        longest = Math.max(longest, zero.length);
      }
      largest = Math.max(largest, endOf(model, tree) - root);
      return leaves;
    });
    this.#goesLeft = new Uint8Array(largest);
    this.#ones = new Uint8Array(longest);
    this.#out = new Float64Array(longest);
    this.#spare = new Float64Array(longest + 1);
  }

  /**
   * @param values rows x columns, row-major, as in training
   * @returns rows x outputs x columns
   * @throws TreeError when the values are no whole number of rows
   */
  contributions(values: Float32Array): Float64Array {
    const { columns, outputs, categories, roots, target } = this.#model;
    checkValues(values, columns);
    const encoded = encodeValues(categories, values, columns);
    const rows = values.length / columns;
    const out = new Float64Array(rows * outputs * columns);
    // tree by tree, so that what is kept of one stays near the processor
    for (let first = 0; first < rows; first += BLOCK_ROWS) {
      const end = Math.min(rows, first + BLOCK_ROWS);
      for (let tree = 0; tree < roots.length; tree++) {
        const leaves = this.#trees[tree]!;
        for (let row = first; row < end; row++) {
          this.#decide(tree, encoded, row * columns);
          const own = (row * outputs + target[tree]!) * columns;
          for (const leaf of leaves) this.#addLeaf(leaf, out, own);
        }
      }
    }
    return out;
  }

  /** At each node of the tree, does the row go left? */
  #decide(tree: number, values: Float32Array, start: number): void {
    const root = this.#model.roots[tree]!;
    const end = endOf(this.#model, tree);
    const { feature } = this.#model;
    for (let node = root; node < end; node++) {
      const column = feature[node]!;
      if (column < 0) continue;
      this.#goesLeft[node - root] = goesLeft(this.#model, node, values[start + column]!) ? 1 : 0;
    }
  }

  #addLeaf(leaf: Leaf, out: Float64Array, start: number): void {
    const { columns, zero, nodes, sides, places, known } = leaf;
    const depth = columns.length;
    if (depth === 0) return;
    const left = this.#goesLeft;
    if (known) {
      let set = (1 << depth) - 1;
      for (let i = 0; i < nodes.length; i++) {
        if (left[nodes[i]!] !== sides[i]) set &= ~(1 << places[i]!);
      }
      const at = set * depth;
      if (Number.isNaN(known[at]!)) {
        for (let i = 0; i < depth; i++) this.#ones[i] = (set >> i) & 1;
        this.#compute(leaf);
        for (let i = 0; i < depth; i++) known[at + i] = this.#out[i]!;
      }
      for (let i = 0; i < depth; i++) out[start + columns[i]!]! += known[at + i]!;
      return;
    }
    this.#ones.fill(1, 0, depth);
    for (let i = 0; i < nodes.length; i++) {
      if (left[nodes[i]!] !== sides[i]) this.#ones[places[i]!] = 0;
    }
    this.#compute(leaf);
    for (let i = 0; i < zero.length; i++) out[start + columns[i]!]! += this.#out[i]!;
  }

  /** The leaf's contributions for `#ones`, in `#out`. */
  #compute({ zero, value }: Leaf): void {
    pathContributions(zero, this.#ones, this.#out, this.#spare);
    for (let i = 0; i < zero.length; i++) this.#out[i]! *= value;
  }
}

/** `TreeExplainer` for rows at once; keep an explainer for more. @throws TreeError as it does */
export function treeShap(model: TreeModel, values: Float32Array): TreeShap {
  const explainer = new TreeExplainer(model);
  return { expected: explainer.expected, contributions: explainer.contributions(values) };
}

/** The leaves of a tree, whose kept contributions may take `budget` numbers. */
function leavesOf(model: TreeModel, root: number, budget: number): Leaf[] {
  const leaves: Leaf[] = [];
  let rest = budget;
  const path: { node: number; side: number }[] = [];
  const visit = (node: number): void => {
    if (model.feature[node]! < 0) {
      const leaf = leafAt(model, root, node, path, rest);
      rest -= leaf.known?.length ?? 0;
      leaves.push(leaf);
      return;
    }
    for (const [child, side] of [
      [model.left[node]!, 1],
      [model.right[node]!, 0],
    ] as const) {
      path.push({ node, side });
      visit(child);
      path.pop();
    }
  };
  visit(root);
  return leaves;
}

function leafAt(
  model: TreeModel,
  root: number,
  node: number,
  path: readonly { readonly node: number; readonly side: number }[],
  budget: number,
): Leaf {
  const columns: number[] = [];
  const zero: number[] = [];
  const places = path.map((step, i) => {
    const column = model.feature[step.node]!;
    let place = columns.indexOf(column);
    if (place < 0) {
      place = columns.push(column) - 1;
      zero.push(1);
    }
    const child = path[i + 1]?.node ?? node;
    zero[place]! *= model.cover[child]! / model.cover[step.node]!;
    return place;
  });
  const depth = columns.length;
  const sets = depth <= LONGEST_KEPT ? 2 ** depth * depth : Number.POSITIVE_INFINITY;
  return {
    value: model.value[node]!,
    columns: Int32Array.from(columns),
    zero: Float64Array.from(zero),
    nodes: Int32Array.from(path, (step) => step.node - root),
    sides: Uint8Array.from(path, ({ side }) => side),
    places: Int32Array.from(places),
    known: sets <= budget ? new Float64Array(sets).fill(Number.NaN) : undefined,
  };
}
