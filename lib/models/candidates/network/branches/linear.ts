import type { Branch } from './branch.ts';
import type { BranchKind } from './kind.ts';

const NAME = 'linear';

/** A logistic regression over the inputs. Its weights have a normal prior; its biases start at the base rates. */
export const linearBranch: Branch = {
  name: NAME,
  perOutput: [`${NAME}.weight`, `${NAME}.bias`],
  tables: [],
  masks: [],
  logits({ layers, z, kept, outputs, penalise }) {
    const weight = layers.zeros(`${NAME}.weight`, kept, outputs);
    penalise(weight);
    return layers.g.linear(z, weight, layers.zeros(`${NAME}.bias`, outputs));
  },
  sizes: () => ({}),
  feeds: () => ({}),
  content: () => [],
  open: () => linearBranch,
};

export const linear: BranchKind = {
  name: NAME,
  applies: () => true,
  grow: async () => ({ kind: NAME, branch: linearBranch }),
};
