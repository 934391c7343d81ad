import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, decodeSafetensors } from '../../../lib/engine/host/index.ts';
import { GraphBuilder, importModel, specialise, withParameters } from '../../../lib/engine/onnx/index.ts';
import { applyLora, layersOf, mergeLora, trainable } from '../../../lib/engine/peft/index.ts';
import { openTrainer } from '../../../lib/engine/train/index.ts';
import { exactly, largestDifference } from './oracle.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));

it('repeats a recorded run of peft on a DistilBERT export: losses, weights and merged outputs', async () => {
  // given the export and the recorded run (rank-stabilised LoRA, 6 steps of AdamW; settings in the file's metadata)
  const { tensors } = decodeSafetensors(fixture('distilbert-lora.safetensors'));
  const recorded = (name: string) => tensors[name]!.data as Float32Array;
  const g = GraphBuilder.from(importModel(fixture('distilbert.onnx')));
  const hidden = g.value('last_hidden_state');
  const weights = g.input('R', 'float32', hidden.shape);
  g.output('loss', g.reduceMean(g.tanh(g.mul(hidden, weights))));
  const base = specialise(g.build(), { batch: 3, sequence: 7 });
  const { graph, adapter } = applyLora(base, {
    rank: 3,
    alpha: 5,
    rankStabilised: true,
    targets: ['q_lin', 'v_lin', 'lin2'],
    rng: createRng(1),
  });
  const wrt = trainable(graph, 'lora');
  const started = withParameters(
    graph,
    Object.fromEntries(wrt.map((name) => [name, recorded(`init.${name}`)])),
  );
  const feeds = Object.fromEntries(
    ['input_ids', 'attention_mask', 'R'].map((name) => [name, tensors[name]!]),
  );
  // when
  const trainer = await openTrainer(trainingGraph(started, { loss: 'loss', wrt }));
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) losses.push((await trainer.step(feeds, { lr: 1e-2 })).loss);
  const values = await trainer.parameters();
  await trainer.close();
  const merged = await mergeLora(graph, adapter, values);
  // then
  expect(layersOf(base).layers.map(({ length }) => length)).toEqual([16, 16]);
  expect(wrt).toHaveLength(12);
  expect(largestDifference(losses, recorded('losses'))).toBeLessThan(1e-6);
  for (const name of wrt) {
    expect(largestDifference(values[name]!, recorded(`final.${name}`)), name).toBeLessThan(1e-5);
  }
  const outputs = exactly(merged.graph, 'last_hidden_state', feeds);
  expect(largestDifference(outputs, recorded('merged'))).toBeLessThan(1e-5);
});
