import { readFileSync, writeFileSync } from 'node:fs';
import { createRng } from '../../lib/engine/host/index.ts';
import { crossEntropy } from '../../lib/engine/nn/index.ts';
import { type Graph, GraphBuilder, importModel, specialise } from '../../lib/engine/onnx/index.ts';
import { applyLora } from '../../lib/engine/peft/index.ts';
import type { TrainJob } from './train-job.ts';

/** The exported encoder at the job's sizes. */
export function importedFor({ model, batch, tokens }: TrainJob): Graph {
  return specialise(importModel(readFileSync(model)), { batch, time: tokens });
}

export function addLoss(graph: Graph, batch: number): Graph {
  const g = GraphBuilder.from(graph);
  g.output('loss', crossEntropy(g, g.value('logits'), g.input('labels', 'int64', [batch])));
  return g.build();
}

/** LoRA on queries and values; the first values of A are written down for the other side. */
export function addLora(graph: Graph, { rank, alpha, adapter }: TrainJob): Graph {
  const adapted = applyLora(graph, { rank, alpha, targets: [/query$/, /value$/], rng: createRng(1) });
  const first = adapted.graph.parameters.filter(({ name }) => /^lora\..*\.A$/.test(name));
  writeFileSync(
    adapter,
    JSON.stringify(Object.fromEntries(first.map(({ name, data }) => [name.slice(5, -2), [...data]]))),
  );
  return adapted.graph;
}

/** The exporter names the head's weight anew, so it is found by its bias. */
export function headOf({ nodes }: Graph): string[] {
  return nodes.find(({ inputs }) => inputs.includes('head.bias'))!.inputs.slice(1);
}
