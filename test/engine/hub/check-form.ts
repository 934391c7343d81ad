import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, decodeSafetensors, type Feeds } from '../../../lib/engine/host/index.ts';
import { encodeModel, GraphBuilder, readModelFile } from '../../../lib/engine/onnx/index.ts';
import { applyLora, trainable } from '../../../lib/engine/peft/index.ts';
import { openSession, openTrainer } from '../../../lib/engine/train/index.ts';

/** What became of one form of a model. */
export interface FormResult {
  readonly form: string;
  /** Why the tools could not make the form. */
  readonly notMade?: string;
  /** Why the form could not be read or tuned. */
  readonly failed?: string;
  /** Largest difference of the written graph's hidden states, relative to the largest of them. */
  readonly difference?: number;
  /** The same to what the runtime makes of the file itself: with quantised activations, unlike ours. */
  readonly fromFile?: number;
  /** The last loss of a few LoRA steps as a part of the first. */
  readonly learned?: number;
}

interface Made {
  readonly made: boolean;
  readonly file?: string;
  readonly why?: string;
}

/** Reads forms.json and forms.safetensors of a folder (see test/fixtures/reference/make-forms.py) and tries every form. */
export async function checkForms(folder: string): Promise<FormResult[]> {
  const made = JSON.parse(await readFile(join(folder, 'forms.json'), 'utf8')) as Record<string, Made>;
  const { tensors } = decodeSafetensors(await readFile(join(folder, 'forms.safetensors')));
  const batches = decodeSafetensors(await readFile(join(folder, 'parity.safetensors'))).tensors;
  const results: FormResult[] = [];
  for (const [form, { file, why }] of Object.entries(made)) {
    if (!file) {
      results.push({ form, notMade: why ?? 'no reason is given' });
      continue;
    }
    try {
      results.push({ form, ...(await checkForm(join(folder, file), form, tensors, batches)) });
    } catch (error) {
      results.push({ form, failed: (error as Error).message });
    }
  }
  return results;
}

async function checkForm(
  path: string,
  form: string,
  recorded: Feeds,
  batches: Feeds,
): Promise<Partial<FormResult>> {
  const graph = await readModelFile(path);
  const feeds = (): Feeds =>
    Object.fromEntries(
      graph.inputs.map(({ name }) => {
        const { type, shape, data } = batches[`batch0.${name}`]!;
        return [name, { type, shape, data: data.slice() } as Feeds[string]];
      }),
    );
  const session = await openSession(encodeModel(graph, { parametersAs: 'initializers' }));
  const hidden = graph.outputs[0]!.name;
  const { [hidden]: found } = await session.run(feeds());
  await session.close();
  const against = (name: string) =>
    relative(found!.data as Float32Array, recorded[`${name}.${form}`]!.data as Float32Array);
  return {
    difference: against('expected'),
    fromFile: against('file'),
    ...(await tuned(path, hidden, feeds())),
  };
}

/** Twenty steps of LoRA on all linear layers towards hidden states of 0.1: the weights of the file stay as they are. */
async function tuned(path: string, hidden: string, batch: Feeds): Promise<Partial<FormResult>> {
  const [rows = 0, length = 0] = batch.input_ids!.shape;
  const base = await readModelFile(path, { dims: { batch: rows, sequence: length } });
  const feeds = () =>
    Object.fromEntries(
      Object.entries(batch).map(([name, t]) => [name, { ...t, data: t.data.slice() } as typeof t]),
    );
  const { graph } = applyLora(base, { rank: 2, alpha: 4, targets: ['*'], rng: createRng(3) });
  const g = GraphBuilder.from(graph);
  const away = g.sub({ name: hidden, ...graph.values.get(hidden)! }, 0.1);
  g.output('loss', g.reduceMean(g.square(away), [0, 1, 2], false));
  const whole = g.build();
  const program = trainingGraph(whole, { loss: 'loss', wrt: trainable(whole, 'lora') });
  const { rowGradientOutputs: _, inputGradientOutputs: __, ...rest } = program;
  const trainer = await openTrainer(rest, { optimiser: { kind: 'adamw' } });
  try {
    const losses: number[] = [];
    for (let k = 0; k < 20; k++) losses.push((await trainer.step(feeds(), { lr: 0.01 })).loss);
    return { learned: losses.at(-1)! / losses[0]! };
  } finally {
    await trainer.close();
  }
}

/** max |a - b| / max |b| */
function relative(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0];
  b.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(a[i]! - value));
    size = Math.max(size, Math.abs(value));
  });
  return difference / size;
}
