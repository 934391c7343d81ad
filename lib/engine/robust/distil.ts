import { type Graph, GraphBuilder, type Value } from '../onnx/index.ts';
import { RobustError } from './errors.ts';

/** The input with the teacher's logits, (batch, classes). */
export const TEACHER = 'teacher';

export interface DistillationOptions {
  /** Output or value with the student's logits, (batch, classes). */
  logits: string;
  /** The student's loss on the labels: a float scalar. */
  loss: string;
  /** Divides logits of both before their softmax: above 1 it tells more of the wrong classes. 2 */
  temperature?: number;
  /** Share of the teacher in the loss; the rest is the labels'. 0.5 */
  share?: number;
}

/**
 * Adds the loss of knowledge distillation (Hinton, Vinyals, Dean 2015, section 2): (1 - share) loss + share T² H(p_T, q_T)
 * with p_T, q_T the softened predictions of teacher and student; T² keeps the gradients' size when T changes. A new
 * input `teacher` takes the teacher's logits, computed once per example by `Session`; a new output `distillation loss`
 * is what to minimise. A binary logit (batch, 1) is read as the two classes 0 and 1.
 * @throws RobustError when share or temperature is out of its range, or a value is missing or has no classes
 */
export function withDistillation(
  graph: Graph,
  { logits, loss, temperature = 2, share = 0.5 }: DistillationOptions,
): { graph: Graph; loss: string } {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new RobustError(`a temperature is above 0, given ${temperature}`);
  if (!(share >= 0 && share <= 1))
    throw new RobustError(`the teacher's share lies in [0, 1], given ${share}`);
  const type = graph.values.get(logits);
  if (type?.shape.length !== 2) {
    throw new RobustError(
      `the student's logits ${logits} must have shape (batch, classes), given ${type ? `[${type.shape.join(', ')}]` : 'no such value'}`,
    );
  }
  if (!graph.values.has(loss)) throw new RobustError(`graph ${graph.name} has no loss ${loss}`);
  const g = GraphBuilder.from(graph);
  const teacher = g.input(TEACHER, 'float32', type.shape);
  const soften = (x: Value) => g.mul(classesOf(g, x), 1 / temperature);
  const target = g.softmax(soften(teacher));
  const entropy = g.reduceSum(g.mul(target, g.neg(g.logSoftmax(soften(g.value(logits))))), [1]);
  const taught = g.mul(g.reduceMean(entropy), temperature ** 2);
  g.output('distillation loss', g.add(g.mul(g.value(loss), 1 - share), g.mul(taught, share)));
  return { graph: g.build(), loss: 'distillation loss' };
}

function classesOf(g: GraphBuilder, logits: Value): Value {
  return logits.shape[1] === 1 ? g.concat([g.mul(logits, 0), logits], 1) : logits;
}
