import { createRng } from '../host/index.ts';
import { encodeModel, type Graph } from '../onnx/index.ts';
import { applyLora, type LoraAdapter, linears, mergeLora } from '../peft/index.ts';
import { openSession } from '../train/index.ts';
import { batchOf, classifier, outputs } from './classifier.ts';
import type { Encoder } from './encoder.ts';
import { floatsOf } from './engine.ts';
import type { Ledger } from './measure.ts';
import { expected, expectedIn, type Reference } from './reference.ts';
import { headNames, type Run } from './training.ts';

/** The classifier with LoRA on the reference's targets. */
export interface LoraModel {
  readonly graph: Graph;
  readonly adapter: LoraAdapter;
  /** LoRA's parameters and the head's in the graph, by the reference's names. */
  readonly trained: ReadonlyMap<string, string>;
  /** The reference's first values of A and B by the graph's names. */
  readonly start: Readonly<Record<string, Float32Array>>;
}

/** Undefined, with a note, where the reference has no LoRA or the file does not hold its targets. */
export function loraModel(reference: Reference, encoder: Encoder, ledger: Ledger): LoraModel | undefined {
  const { lora } = reference.figures;
  if (!lora) {
    ledger.skip('LoRA is left out: parity.json has no section "lora"');
    return undefined;
  }
  const layers = linears(encoder.graph);
  const targets = new Map<string, string>();
  for (const name of lora.targets) {
    const weight = encoder.weights.get(`${name}.weight`)?.parameter;
    const layer = layers.find((candidate) => candidate.weight === weight);
    if (weight === undefined) {
      ledger.skip(`LoRA is left out: the file holds no ${name}.weight`);
      return undefined;
    }
    if (!layer) {
      ledger.fail(`LoRA is left out: no linear layer reads ${weight}, which is ${name}.weight`);
      return undefined;
    }
    targets.set(name, layer.target);
  }
  const { graph, adapter } = applyLora(encoder.graph, {
    rank: lora.r,
    alpha: lora.alpha,
    targets: [...targets.values()],
    rng: createRng(0),
  });
  const trained = headNames(reference, encoder);
  const start: Record<string, Float32Array> = {};
  for (const [name, target] of targets) {
    for (const matrix of ['A', 'B']) {
      trained.set(`lora.${name}.${matrix}`, `lora.${target}.${matrix}`);
      const first = expected(reference, `lora_init.${name}.${matrix}`);
      if (first) start[`lora.${target}.${matrix}`] = Float32Array.from(first.data);
    }
  }
  return { graph: classifier(reference, encoder, graph), adapter, trained, start };
}

/** The runs of LoRA that the reference has. */
export function loraRuns({ figures }: Reference, { graph, trained, start }: LoraModel): Run[] {
  return (['train_lora', 'train_lora_lr1e2'] as const).flatMap((kind) =>
    figures[kind] ? [{ kind, figures: figures[kind], graph, trained, start }] : [],
  );
}

/** The trained LoRA folded into the weights, on batch 0. */
export async function compareMerged(
  reference: Reference,
  encoder: Encoder,
  { graph, adapter }: LoraModel,
  kind: string,
  values: Readonly<Record<string, Float32Array>>,
  ledger: Ledger,
): Promise<void> {
  const wanted = [encoder.hidden, outputs.logits];
  const merged = await mergeLora(graph, adapter, values, { outputs: wanted });
  const session = await openSession(encodeModel(merged.graph, { parametersAs: 'initializers' }));
  try {
    const found = floatsOf(await session.run(batchOf(reference, merged.graph, 0)));
    for (const [name, output] of [
      ['merged_logits', outputs.logits],
      ['merged_last_hidden_state', encoder.hidden],
    ] as const) {
      ledger.compare(
        { part: 'training', precision: 'f32', group: kind, name, measure: 'relative' },
        found[output]!.data,
        expectedIn(reference, 'f32', (d) => `${kind}.${d}.${name}`)?.data,
      );
    }
  } finally {
    await session.close();
  }
}
