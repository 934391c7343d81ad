import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { trainingGraph } from '../../lib/engine/autodiff/index.ts';
import { int64 } from '../../lib/engine/host/index.ts';
import { importModel, specialise } from '../../lib/engine/onnx/index.ts';
import { trainable } from '../../lib/engine/peft/index.ts';
import { openTrainer, type Trainer } from '../../lib/engine/train/index.ts';
import type { Batch, Opened, Request, Steps, TrainJob } from './train-job.ts';
import { addLora, addLoss, headOf } from './train-model.ts';

/** Our side of the training benchmark: requests come as lines of JSON, answers go as lines of JSON. */
let trainer: Trainer | undefined;
let job: TrainJob | undefined;

async function open(given: TrainJob): Promise<Opened> {
  job = given;
  const { batch, tokens, kind, lr: _, ...settings } = given;
  const parts: Record<string, number> = {};
  const timed = <T>(name: string, work: () => T): T => {
    const started = performance.now();
    const result = work();
    parts[name] = performance.now() - started;
    return result;
  };
  const bytes = readFileSync(settings.model);
  const imported = timed('import', () => importModel(bytes));
  const graph = timed('specialise', () => {
    const withLoss = addLoss(specialise(imported, { batch, time: tokens }), batch);
    return kind === 'lora' ? addLora(withLoss, given) : withLoss;
  });
  const rows = kind === 'full' ? ['tokens.weight'] : [];
  const wrt = kind === 'lora' ? [...trainable(graph, 'lora'), ...headOf(graph)] : undefined;
  const training = timed('fuse, differentiate, encode', () =>
    trainingGraph(graph, { loss: 'loss', rows, ...(wrt ? { wrt } : {}) }),
  );
  const started = performance.now();
  trainer = await openTrainer(
    {
      model: training.model,
      parameters: training.parameters,
      lossOutput: 'loss',
      gradientOutputs: training.gradientOutputs,
      rowGradients: Object.fromEntries(
        Object.entries(training.rowGradientOutputs).map(([name, output]) => [name, [output]]),
      ),
    },
    {
      threads: settings.threads,
      optimiser: { weightDecay: settings.decay, clipNorm: settings.clipNorm },
      driver: 'cpu',
    },
  );
  parts.session = performance.now() - started;
  const runtime = JSON.parse(
    readFileSync(new URL('../../node_modules/onnxruntime-node/package.json', import.meta.url), 'utf8'),
  );
  return {
    versions: `Nightjar on onnxruntime ${runtime.version}, Node ${process.versions.node}`,
    trained: training.parameters.reduce((sum, { data }) => sum + data.length, 0),
    parts,
  };
}

async function steps(batches: readonly Batch[]): Promise<Steps> {
  const { batch, tokens, lr } = job!;
  const losses: number[] = [];
  const milliseconds: number[] = [];
  for (const { ids, mask, labels } of batches) {
    const started = performance.now();
    const feeds = {
      ids: int64(ids, [batch, tokens]),
      mask: int64(mask, [batch, tokens]),
      labels: int64(labels, [batch]),
    };
    const { loss } = await trainer!.step(feeds, { lr, transfer: true });
    milliseconds.push(performance.now() - started);
    losses.push(loss);
  }
  return { losses, milliseconds, peak: process.resourceUsage().maxRSS / 1024 };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Exclude<Request, { do: 'export' }>;
  const answer = request.do === 'open' ? await open(request.job) : await steps(request.batches);
  console.log(JSON.stringify(answer));
}
await trainer?.close();
