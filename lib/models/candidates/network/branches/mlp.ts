import { encodePiecewise, fitPiecewise, type PiecewiseEncoding } from '../piecewise.ts';
import type { Branch } from './branch.ts';
import type { BranchKind } from './kind.ts';

const NAME = 'mlp';
/** Hidden layers. */
const LAYERS = 2;

export interface MlpShape {
  readonly hidden: number;
  readonly layers: number;
  readonly members: number;
  /** What it reads beside the inputs, if anything. */
  readonly piecewise?: PiecewiseEncoding;
}

/** An ensemble of MLPs over the inputs, see `Layers.memberMlp`. */
export function mlpBranch(shape: MlpShape): Branch {
  const { hidden, layers: depth, members, piecewise } = shape;
  const branch: Branch = {
    name: NAME,
    members,
    perOutput: [`${NAME}.head.weight`, `${NAME}.head.bias`],
    tables: [],
    masks: Array.from({ length: depth }, (_, layer) => ({
      name: `dropout.${layer}`,
      shape: [members, hidden],
    })),
    logits({ layers, z, kept, outputs, mask }) {
      const { g } = layers;
      const x = piecewise?.input.length ? g.concat([z, encodePiecewise(g, z, piecewise)], 1) : z;
      const width = kept + (piecewise?.input.length ?? 0);
      const masks = branch.masks.flatMap(({ name }) => mask(name) ?? []);
      return layers.memberMlp(NAME, x, { hidden, layers: depth, members, width, outputs }, masks);
    },
    sizes: () => ({}),
    feeds: () => ({}),
    content: () => [],
    open: () => branch,
  };
  return branch;
}

export const mlp: BranchKind = {
  name: NAME,
  applies: () => true,
  async grow({ config, piecewise, inputs, transform, used }) {
    const { hidden, members } = config.model;
    const pieces = piecewise ? { piecewise: fitPiecewise(inputs, transform.kept.length, used) } : {};
    return { kind: NAME, branch: mlpBranch({ hidden, layers: LAYERS, members, ...pieces }) };
  },
};
