import * as ort from 'onnxruntime-node';
import { differentiate, gradientName, trainingGraph } from '../../lib/engine/autodiff/index.ts';
import { sumLeading } from '../../lib/engine/autodiff/sum-leading.ts';
import { alignedGroups } from '../../lib/engine/host/aligned.ts';
import { createRng, float32, int64 } from '../../lib/engine/host/index.ts';
import { encodeModel, fuse, type Graph, GraphBuilder, type Value } from '../../lib/engine/onnx/index.ts';
import { openTrainer } from '../../lib/engine/train/index.ts';
import { adamwStep, sumOfSquares } from '../../lib/engine/train/optimisers/index.ts';
import { load, printTable, sideBySide, whole } from './support.ts';
import type { Batch, TrainJob } from './train-job.ts';
import { addLora, addLoss, headOf, importedFor } from './train-model.ts';

const ROUNDS = 9;

type Work = () => Promise<void> | void;

/** A thing done in two ways, and what ends both. */
interface Part {
  readonly name: string;
  readonly before: Work;
  readonly after: Work;
  readonly close: () => Promise<void>;
}

/** What each step of making training fast brings by itself, both ways in turns on the same inputs. */
export async function benchParts(job: TrainJob, batch: Batch): Promise<void> {
  const parts = [fusedGraph, sums, guards, tables, frozenWeights, update];
  const rows: string[][] = [];
  for (const open of parts) {
    const { name, before, after, close } = await open(job, batch);
    const timings = await sideBySide(
      [
        { name: 'before', run: async () => before() },
        { name: 'after', run: async () => after() },
      ],
      ROUNDS,
    );
    await close();
    const [slow, fast] = timings.map(({ seconds }) => 1000 * Math.min(...seconds)) as [number, number];
    rows.push([name, slow.toFixed(2), fast.toFixed(2), (slow / fast).toFixed(2)]);
  }
  printTable(
    `each part by itself, ${job.layers} x ${job.width}, ${job.batch} x ${job.tokens} unless said otherwise, least of ${ROUNDS} runs (load ${load()})`,
    ['', 'before ms', 'after ms', 'gain'],
    rows,
  );
}

async function fusedGraph(job: TrainJob, batch: Batch): Promise<Part> {
  const graph = addLoss(importedFor(job), job.batch);
  const sessions = [graph, fuse(graph)].map((version) => gradientRun(version, job, batch));
  const [before, after] = await Promise.all(sessions);
  return pair('forward and backward: as exported, fused', before!, after!);
}

/** Loss and all gradients in a session. */
async function gradientRun(graph: Graph, job: TrainJob, batch: Batch): Promise<Runnable> {
  const wrt = graph.parameters.map(({ name }) => name);
  const gradients = differentiate(graph, { loss: 'loss', wrt });
  const feeds = Object.entries(feedsOf(job, batch)).map(([name, { type, data, shape }]) => [
    name,
    new ort.Tensor(type, data as BigInt64Array, shape),
  ]);
  for (const { name, data, shape } of graph.parameters)
    feeds.push([name, new ort.Tensor('float32', data, shape)]);
  return runnable(
    encodeModel(gradients, { parametersAs: 'inputs' }),
    Object.fromEntries(feeds),
    ['loss', ...wrt.map(gradientName)],
    job.threads,
  );
}

async function sums({ batch, tokens, inner, threads }: TrainJob): Promise<Part> {
  const graphs = [
    (g: GraphBuilder, x: Value) => g.reduceSum(x, [0, 1]),
    (g: GraphBuilder, x: Value) => sumLeading(g, x, 2),
  ];
  const [before, after] = await Promise.all(
    graphs.map((write) => operationRun([batch, tokens, inner], threads, write)),
  );
  return pair('sum over rows (a bias of the inner layer): ReduceSum, product by ones', before!, after!);
}

async function guards({ threads }: TrainJob): Promise<Part> {
  const shape = [32, 6, 128, 128];
  const g = new GraphBuilder('guarded');
  const seen = g.greater(g.input('mask', 'float32', [32, 1, 1, 128]), -100);
  const weights = g.softmax(
    g.add(g.input('x', 'float32', shape), g.where(seen, 0, Number.NEGATIVE_INFINITY)),
  );
  g.output('y', g.where(g.op('IsNaN', [weights]), 0, weights));
  const graph = g.build();
  const feeds = { x: drawn(shape), mask: drawn([32, 1, 1, 128]) };
  const [before, after] = await Promise.all(
    [graph, fuse(graph)].map((version) =>
      runnable(encodeModel(version, { parametersAs: 'inputs' }), feeds, ['y'], threads),
    ),
  );
  return pair(`softmax of SDPA exports, [${shape}], forward: guarded, decided by the mask`, before!, after!);
}

async function tables(job: TrainJob, batch: Batch): Promise<Part> {
  const graph = addLoss(importedFor(job), job.batch);
  const [before, after] = await Promise.all(
    [[], ['tokens.weight']].map((rows) => stepper(job, batch, graph, { rows })),
  );
  return pair(
    `a full step with ${whole(job.vocabulary)} embeddings: gradient whole, by rows`,
    before!,
    after!,
  );
}

async function frozenWeights(job: TrainJob, batch: Batch): Promise<Part> {
  const graph = addLora(addLoss(importedFor(job), job.batch), job);
  const wrt = [
    ...graph.parameters.map(({ name }) => name).filter((name) => name.startsWith('lora.')),
    ...headOf(graph),
  ];
  const [before, after] = await Promise.all(
    (['inputs', 'constants'] as const).map((frozen) => stepper(job, batch, graph, { wrt, frozen })),
  );
  return pair('a LoRA step: frozen weights fed, as constants', before!, after!);
}

/** AdamW and the norm of all gradients of the job's full model. */
async function update(job: TrainJob): Promise<Part> {
  const lengths = importedFor(job).parameters.map(({ data }) => data.length);
  const rng = createRng(5);
  const aligned = alignedGroups(lengths.map((n) => [n, n, n, n]));
  for (const [value, gradient] of aligned) {
    value!.set(rng.normals(value!.length));
    gradient!.set(rng.normals(value!.length, 0.001));
  }
  const apart = aligned.map((group) => group.map((array) => array.slice()));
  const settings = { lr: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01, time: 1 };
  const run = (groups: Float32Array[][]) => () => {
    const squares = groups.reduce((sum, [, gradient]) => sum + sumOfSquares(gradient!), 0);
    const gradientScale = Math.min(1, 1 / Math.sqrt(squares));
    for (const [value, gradient, first, second] of groups)
      adamwStep(value!, gradient!, { first: first!, second: second! }, { ...settings, gradientScale });
  };
  const count = lengths.reduce((a, b) => a + b, 0);
  return {
    name: `norm and AdamW of ${whole(count)} values: plain loops, vector kernels`,
    before: run(apart),
    after: run(aligned),
    close: async () => {},
  };
}

interface Runnable {
  readonly run: Work;
  readonly close: () => Promise<void>;
}

function pair(name: string, before: Runnable, after: Runnable): Part {
  const close = async () => {
    await before.close();
    await after.close();
  };
  return { name, before: before.run, after: after.run, close };
}

function operationRun(
  shape: number[],
  threads: number,
  write: (g: GraphBuilder, x: Value) => Value,
): Promise<Runnable> {
  const g = new GraphBuilder('operation');
  g.output('y', write(g, g.input('x', 'float32', shape)));
  return runnable(encodeModel(g.build(), { parametersAs: 'inputs' }), { x: drawn(shape) }, ['y'], threads);
}

async function runnable(
  model: Uint8Array,
  feeds: Record<string, ort.Tensor>,
  outputs: string[],
  threads: number,
): Promise<Runnable> {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    run: async () => {
      await session.run(feeds, outputs);
    },
    close: () => session.release(),
  };
}

async function stepper(
  job: TrainJob,
  batch: Batch,
  graph: Graph,
  options: { rows?: string[]; wrt?: string[]; frozen?: 'constants' | 'inputs' },
): Promise<Runnable> {
  const { rowGradientOutputs, ...training } = trainingGraph(graph, { loss: 'loss', ...options });
  const rowGradients = Object.fromEntries(
    Object.entries(rowGradientOutputs).map(([name, output]) => [name, [output]]),
  );
  const trainer = await openTrainer(
    { ...training, rowGradients },
    { threads: job.threads, driver: 'cpu', optimiser: { weightDecay: job.decay, clipNorm: job.clipNorm } },
  );
  return {
    run: async () => {
      await trainer.step(feedsOf(job, batch), { lr: job.lr });
    },
    close: () => trainer.close(),
  };
}

function feedsOf(job: TrainJob, { ids, mask, labels }: Batch) {
  const shape = [job.batch, job.tokens];
  return { ids: int64(ids, shape), mask: int64(mask, shape), labels: int64(labels, [job.batch]) };
}

function drawn(shape: readonly number[]): ort.Tensor {
  const { data } = float32(createRng(3).normals(shape.reduce((a, b) => a * b, 1)), shape);
  return new ort.Tensor('float32', data as Float32Array, shape);
}
