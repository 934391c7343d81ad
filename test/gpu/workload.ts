import { trainingGraph } from '../../lib/engine/autodiff/index.ts';
import { createRng, type Feeds, int64 } from '../../lib/engine/host/index.ts';
import { crossEntropy, meanPool } from '../../lib/engine/nn/index.ts';
import { type Graph, GraphBuilder, selectOutputs, specialise } from '../../lib/engine/onnx/index.ts';
import { buildTextEncoder } from '../../lib/engine/text/index.ts';
import type { TrainingProgram } from '../../lib/engine/train/index.ts';

/** A text encoder under training: one row of the check's table. */
export interface Size {
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly batch: number;
  readonly length: number;
  /** Steps that are timed, after as many that are not. */
  readonly steps: number;
}

export const SIZES: readonly Size[] = [
  { name: 'tiny', layers: 2, width: 64, heads: 2, batch: 8, length: 32, steps: 20 },
  { name: 'small', layers: 4, width: 256, heads: 4, batch: 32, length: 64, steps: 64 },
  { name: 'medium', layers: 6, width: 384, heads: 6, batch: 32, length: 128, steps: 64 },
  { name: 'base', layers: 12, width: 768, heads: 12, batch: 32, length: 128, steps: 32 },
];

export const VOCABULARY = 8000;
export const CLASSES = 8;

/** Encoder, mean over the tokens, linear head, cross-entropy; gradients can be scaled. */
export function programOf({ layers, width, heads, batch, length }: Size): TrainingProgram {
  const shape = { vocabulary: VOCABULARY, layers, width, heads, maxLength: length, norm: 'post' as const };
  const rng = createRng(1);
  const g = GraphBuilder.from(buildTextEncoder(shape, rng));
  const hidden = g.value('last_hidden_state');
  const label = g.input('label', 'int64', ['batch']);
  const pooled = meanPool(g, hidden, g.value('attention_mask'));
  const head = g.parameter('head.weight', [width, CLASSES], rng.fork('head').normals(width * CLASSES, 0.02));
  const bias = g.parameter('head.bias', [CLASSES], new Float32Array(CLASSES));
  g.output('loss', crossEntropy(g, g.linear(pooled, head, bias), label));
  const graph: Graph = specialise(selectOutputs(g.build(), ['loss']), { batch, sequence: length });
  const {
    rowGradientOutputs: _,
    inputGradientOutputs: __,
    ...program
  } = trainingGraph(graph, {
    loss: 'loss',
    lossScale: 'loss scale',
  });
  return program;
}

/** So few batches in turn that they are learnt by heart: curves that only stay level would hide a wrong update. */
export const BATCHES = 4;

/** The batch of a step: random tokens, the class told by the first. */
export function batchOf({ batch, length }: Size, step: number): Feeds {
  const rng = createRng(2).fork(`batch ${step % BATCHES}`);
  const ids = Int32Array.from({ length: batch * length }, () => Math.floor(rng.uniform() * VOCABULARY));
  const labels = Int32Array.from({ length: batch }, (_, i) => ids[i * length]! % CLASSES);
  return {
    input_ids: int64(ids, [batch, length]),
    attention_mask: int64(new Int32Array(batch * length).fill(1), [batch, length]),
    label: int64(labels, [batch]),
  };
}
