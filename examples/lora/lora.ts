/**
 * LoRA on any encoder, with `nightjar-shop/engine` alone: node --import tsx examples/lora/lora.ts MODEL.onnx
 * The batches here are random tokens; a real text task is examples/support-intents.
 */
import {
  applyLora,
  createRng,
  crossEntropy,
  encodeAdapter,
  encodeModel,
  type Feeds,
  fit,
  GraphBuilder,
  int64,
  linearSchedule,
  meanPool,
  mergeLora,
  openTrainer,
  readModelFile,
  selectOutputs,
  specialise,
  trainable,
  trainingGraph,
} from 'nightjar-shop/engine';

const [BATCH, LENGTH, CLASSES] = [8, 32, 4];

/** Token ids whose first tells the class, so that there is something to learn. */
function batchOf(step: number, inputs: readonly string[]): Feeds {
  const rng = createRng(3).fork(`batch ${step % 4}`);
  const ids = Int32Array.from({ length: BATCH * LENGTH }, () => 5 + Math.floor(rng.uniform() * 900));
  const ones = new Int32Array(ids.length).fill(1);
  const given: Feeds = {
    input_ids: int64(ids, [BATCH, LENGTH]),
    attention_mask: int64(ones, [BATCH, LENGTH]),
    token_type_ids: int64(new Int32Array(ids.length), [BATCH, LENGTH]),
    label: int64(
      Array.from({ length: BATCH }, (_, i) => ids[i * LENGTH]! % CLASSES),
      [BATCH],
    ),
  };
  return Object.fromEntries(inputs.map((name) => [name, given[name]!]));
}

export async function tune(file: string, steps: number) {
  // 1. The published file: weights become parameters, axes stay open.
  const encoder = await readModelFile(file);
  const hidden = encoder.outputs[0]!;
  const width = Number(hidden.shape.at(-1));

  // 2. LoRA on the query and value layers, by the names of their biases.
  const rng = createRng(1);
  const tuned = applyLora(encoder, { rank: 8, alpha: 16, targets: ['query', 'value'], rng });

  // 3. A head and a loss behind it, and everything fixed to one shape.
  const g = GraphBuilder.from(tuned.graph);
  const [batch, sequence] = encoder.inputs[0]!.shape as [string, string];
  const label = g.input('label', 'int64', [batch]);
  const pooled = meanPool(g, g.value(hidden.name), g.value('attention_mask'));
  const weight = g.parameter(
    'head.weight',
    [width, CLASSES],
    rng.fork('head').normals(width * CLASSES, 0.02),
  );
  const logits = g.linear(pooled, weight, g.parameter('head.bias', [CLASSES], new Float32Array(CLASSES)));
  g.output('logits', logits);
  g.output('loss', crossEntropy(g, logits, label));
  const open = g.build();
  const graph = specialise(selectOutputs(open, ['loss']), { [batch]: BATCH, [sequence]: LENGTH });

  // 4. Gradients of what is trained alone, a trainer, a fit.
  const wrt = trainable(graph, ['lora', 'head'], { loss: 'loss' });
  const {
    rowGradientOutputs: _,
    inputGradientOutputs: __,
    ...program
  } = trainingGraph(graph, { loss: 'loss', wrt });
  const trainer = await openTrainer(program, { optimiser: { kind: 'adamw', weightDecay: 0.01 } });
  const inputs = graph.inputs.map(({ name }) => name);
  const { curve } = await fit({
    trainer,
    batches: { stepsPerEpoch: 4, at: (step) => batchOf(step, inputs) },
    steps,
    lr: 5e-3,
    schedule: linearSchedule({ warmup: 4 }),
  });
  const values = await trainer.parameters();
  await trainer.close();

  // 5. A small file that loads on the same base, and one plain model for scoring.
  const adapter = encodeAdapter(open, tuned.adapter, values);
  const merged = await mergeLora(open, tuned.adapter, values, {
    outputs: ['logits'],
    inputs: [
      batchOf(
        0,
        encoder.inputs.map(({ name }) => name),
      ),
    ],
  });
  const model = encodeModel(merged.graph, { parametersAs: 'initializers' });
  return { curve, trained: wrt, adapter, model, mergeDifference: merged.maxDifference! };
}

const file = process.argv[2];
if (file?.endsWith('.onnx') && process.argv[1]?.endsWith('lora.ts')) {
  const { curve, trained, adapter, model, mergeDifference } = await tune(file, 40);
  for (const { step, trainLoss } of curve) console.log(`step ${step}: loss ${trainLoss.toFixed(4)}`);
  console.log(
    `${trained.length} tensors trained, adapter ${adapter.length} bytes, merged model ${model.length} bytes, merging changed logits by ${mergeDifference.toExponential(1)}`,
  );
}
