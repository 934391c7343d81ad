import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';
import {
  type BoostingOptions,
  fitForest,
  type TreeModel,
  treeParts,
  treeScores,
} from '../../../engine/trees/index.ts';
import type { Candidate, Material, Standardised } from '../candidate.ts';
import { fitBoosted } from './boosted.ts';
import { FittedTabular, type TaskModel } from './fitted.ts';
import { jointRows, logChances } from './joint.ts';
import { type KnownRows, knownRows, type Scale, standardisedBy } from './known.ts';

const FEWEST_TREES = 20;
/** More rows tell finer trees from chance. */
const LEAVES = [
  { rows: 40_000, leaves: 8 },
  { rows: 150_000, leaves: 16 },
  { rows: Number.POSITIVE_INFINITY, leaves: 31 },
];

/** With a tree for each class, a round costs as many times more: fewer of them are made, with longer steps. */
const CLASSES_RATE = 0.1;

/** A forest may be sure; chances beyond these have no use as logits. */
const EDGE = 1e-3;
/** A change of the chance that is none. */
const STILL = 1e-7;
const FOREST = { trees: 200, minRowsInLeaf: 20, seed: 1 };

export interface TreesForm {
  readonly name: string;
  readonly family: 'trees' | 'forest';
  readonly by: Scale;
}

/** Boosted trees or a forest over the standardised features, a model per task, on whole windows, all rows alike. */
export class TreesCandidate implements Candidate {
  readonly name: string;
  readonly family: TreesForm['family'];
  readonly reads = ['features'];
  readonly #form: TreesForm;

  constructor(form: TreesForm) {
    this.name = form.name;
    this.family = form.family;
    this.#form = form;
  }

  applies(material: Material): boolean {
    // A forest tells one chance alone.
    if (material.answers !== undefined && this.family === 'forest') return false;
    return standardisedBy(this.#form.by, material) !== undefined;
  }

  async fit(material: Material): Promise<FittedTabular> {
    const view = standardisedBy(this.#form.by, material)!;
    const { seed } = material.config.model;
    const { threads } = material.config.training;
    if (material.answers) {
      material.progress(this.name);
      return new FittedTabular(material, view, [await joint(material, view, { seed, threads })]);
    }
    const models: (TaskModel | null)[] = [];
    for (const [task, { task: name }] of material.heads.entries()) {
      const known = knownRows(material, view, task);
      if (!known) {
        models.push(null);
        continue;
      }
      material.progress(`${this.name}: ${name}`);
      const model = await (this.family === 'trees'
        ? boosted(known, { seed, threads })
        : forest(known, { seed, threads }));
      models.push(taskModel(model));
    }
    return new FittedTabular(material, view, models);
  }
}

interface Run {
  readonly seed: number;
  readonly threads: number;
}

/** One model of all heads: a class each, or a number. */
async function joint(material: Material, view: Standardised, run: Run): Promise<TaskModel> {
  const known = jointRows(material, view);
  const classes = material.heads.length;
  const maxLeaves = leavesFor(known);
  const options: BoostingOptions =
    material.answers === 'number'
      ? { loss: 'squared', maxLeaves }
      : {
          ...{ loss: 'softmax', classes, maxLeaves },
          learningRate: CLASSES_RATE,
          minRowsInLeaf: Math.round(Math.min(50, Math.max(5, known.rows / (25 * classes)))),
        };
  const { model } = await fitBoosted(known, options, { ...run, fewest: FEWEST_TREES });
  return {
    score(g, x) {
      const scores = treeScores(g, model, x);
      return material.answers === 'number' ? scores : logChances(g, scores, classes);
    },
    parts: (g, x, groupOf, groups) => treeParts(g, model, x, groupOf, groups),
  };
}

const leavesFor = ({ rows }: KnownRows): number => LEAVES.find((one) => rows <= one.rows)!.leaves;

async function boosted(known: KnownRows, run: Run): Promise<TreeModel> {
  return (await fitBoosted(known, { maxLeaves: leavesFor(known) }, { ...run, fewest: FEWEST_TREES })).model;
}

async function forest(known: KnownRows, { seed, threads }: Run): Promise<TreeModel> {
  const { trees, minRowsInLeaf } = FOREST;
  return fitForest({ ...known, seed, options: { trees, minRowsInLeaf, threads } });
}

function taskModel(model: TreeModel): TaskModel {
  if (model.raw !== 'probability') {
    return {
      score: (g, x) => treeScores(g, model, x),
      parts: (g, x, groupOf, groups) => treeParts(g, model, x, groupOf, groups),
    };
  }
  const logit = (g: GraphBuilder, p: Value) => {
    const chance = g.clip(p, EDGE, 1 - EDGE);
    return g.log(g.div(chance, g.sub(1, chance)));
  };
  return {
    score: (g, x) => logit(g, treeScores(g, model, x)),
    /** Parts of the chance, brought to the scale of the logit: with a constant they sum to it as those of the chance do. */
    parts(g, x, groupOf, groups) {
      const parts = treeParts(g, model, x, groupOf, groups); // (batch, 1, groups)
      const moved = g.reduceSum(parts, [2], true);
      const chance = g.unsqueeze(treeScores(g, model, x), [2]);
      const start = g.clip(g.sub(chance, moved), EDGE, 1 - EDGE);
      const rise = g.sub(logit(g, chance), g.log(g.div(start, g.sub(1, start))));
      const still = g.less(g.abs(moved), STILL);
      return g.mul(parts, g.where(still, 0, g.div(rise, g.where(still, 1, moved))));
    },
  };
}
