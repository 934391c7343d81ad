import {
  encodeModel,
  type Graph,
  GraphBuilder,
  selectOutputs,
  type Value,
} from '../../../engine/onnx/index.ts';
import { classifierLogits, SCORING_LOGITS, type TextClassifier } from '../../../engine/text/index.ts';
import type { CurvePoint } from '../../../engine/train/index.ts';
import type { TaskStrengths } from '../../shared/index.ts';
import type { ExportedModel, Fitted, Material } from '../candidate.ts';
import { AT_ONCE } from '../run-rows.ts';
import { summarise } from '../strength.ts';

/** What reasons and strengths call it. */
const GROUP = 'texts';
/** Logit of a class that no training text had, less than the least of the others. */
const UNSEEN = -5;

/** Which class of a classifier answers which head; -1 for one that it has not seen. */
export type ClassPlaces = Int32Array;

interface FittedParts {
  readonly material: Material;
  readonly classifier: TextClassifier;
  /** Per head; undefined where the second of two classes is the one head's yes. */
  readonly places: ClassPlaces | undefined;
  readonly notes: readonly string[];
}

/** A classifier of rows' texts as a candidate: its logits, and how far they move the scores. */
export class FittedTexts implements Fitted {
  readonly notes: readonly string[];
  readonly #parts: FittedParts;
  /** Mean logit of each task over some training rows. */
  readonly #mean: Float32Array;

  private constructor(parts: FittedParts, mean: Float32Array) {
    this.#parts = parts;
    this.#mean = mean;
    this.notes = parts.notes;
  }

  static async of(parts: FittedParts): Promise<FittedTexts> {
    const tasks = parts.material.heads.length;
    const rows = parts.material.used.subarray(0, AT_ONCE);
    const logits = await logitsOf(parts, rows);
    const mean = new Float32Array(tasks);
    logits.forEach((logit, i) => {
      mean[i % tasks]! += logit / rows.length;
    });
    return new FittedTexts(parts, mean);
  }

  get curve(): readonly CurvePoint[] {
    return this.#parts.classifier.curve;
  }

  get pretraining(): readonly CurvePoint[] {
    return this.#parts.material.rowTexts!.pretraining;
  }

  logits(rows: Int32Array): Promise<Float32Array> {
    return logitsOf(this.#parts, rows);
  }

  async strengths(rows: Int32Array): Promise<TaskStrengths[]> {
    const some = rows.subarray(0, AT_ONCE);
    const tasks = this.#mean.length;
    const effects = (await this.logits(some)).map((logit, i) => logit - this.#mean[i % tasks]!);
    return this.#parts.material.heads.map((_, task) =>
      summarise(effects, tasks, task, [{ name: GROUP, group: GROUP }]),
    );
  }

  exported(): ExportedModel {
    const { classifier, material, places } = this.#parts;
    const g = GraphBuilder.from(selectOutputs(classifier.graph, [SCORING_LOGITS]));
    const logits = headLogits(g, classifier.graph, places);
    g.output('logits', logits);
    g.output('reasons', g.unsqueeze(g.sub(logits, g.constant([...this.#mean])), [2]));
    const graph = selectOutputs(g.build(), ['logits', 'reasons']);
    return {
      model: encodeModel(graph, { parametersAs: 'initializers' }),
      groups: [GROUP],
      sequence: null,
      rowTexts: { maxLength: classifier.maxLength, pretraining: material.rowTexts!.pretraining },
      files: material.rowTexts!.files,
    };
  }
}

/** (rows, tasks). */
async function logitsOf(
  { material, classifier, places }: FittedParts,
  rows: Int32Array,
): Promise<Float32Array> {
  const texts = Array.from(rows, (row) => material.rowTexts!.texts[row]!);
  const { threads } = material.config.training;
  const classes = classifier.classes.length;
  const logits = await classifierLogits(classifier, texts, { threads });
  if (!places) return Float32Array.from(texts, (_, i) => logits[2 * i + 1]! - logits[2 * i]!);
  const tasks = places.length;
  const out = new Float32Array(texts.length * tasks);
  texts.forEach((_, i) => {
    const own = logits.subarray(i * classes, (i + 1) * classes);
    const least = Math.min(...own);
    places.forEach((place, task) => {
      out[i * tasks + task] = place < 0 ? least + UNSEEN : own[place]!;
    });
  });
  return out;
}

/** The same in the graph: the classifier's logits (batch, classes) -> (batch, tasks). */
function headLogits(g: GraphBuilder, graph: Graph, places: ClassPlaces | undefined): Value {
  const logits: Value = { name: SCORING_LOGITS, ...graph.values.get(SCORING_LOGITS)! };
  if (!places) return g.sub(g.slice(logits, 1, 1, 2), g.slice(logits, 1, 0, 1));
  if (places.every((place, task) => place === task)) return g.op('Identity', [logits]);
  const least = g.neg(g.reduceMax(g.neg(logits), [1], true));
  const classes = Number(logits.shape[1]);
  const all = g.concat([logits, g.add(least, UNSEEN)], 1);
  return g.gather(all, g.ints([...places].map((place) => (place < 0 ? classes : place))), 1);
}
