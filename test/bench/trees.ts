import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { auroc } from '../../lib/engine/metrics/index.ts';
import { encodeModel } from '../../lib/engine/onnx/index.ts';
import {
  fitBoosting,
  fitForest,
  predictRaw,
  TreeExplainer,
  type TreeModel,
  type TreeTable,
  treeGraph,
} from '../../lib/engine/trees/index.ts';
import { load, median, printTable, whole, withFolder } from './support.ts';
import { generated, type SplitTable, treeTables } from './trees-tables.ts';

const run = promisify(execFile);
const YARDSTICK = fileURLToPath(new URL('./trees-yardstick.py', import.meta.url));
const THREADS = 2;
const TREES = 200;
const TURNS = 3;

type Kind = 'boosting' | 'random' | 'extra';

/**
 * Our trees beside LightGBM's and scikit-learn's, on the same matrices: the time to grow 200 trees of 31 leaves from
 * 160,000 rows x 40 columns, in turns; the area under the ROC curve on five tables; rows per second of scoring and of
 * reasons. NIGHTJAR_PYTHON names a Python that has lightgbm and scikit-learn.
 */
export async function benchTrees(): Promise<void> {
  const python = process.env.NIGHTJAR_PYTHON ?? 'python3';
  const isThere = await run(python, ['-c', 'import lightgbm, sklearn']).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    console.log(
      `\ntrees: ${python} has no lightgbm and scikit-learn; name a Python that has: NIGHTJAR_PYTHON=… npm run bench -- trees`,
    );
  }
  await withFolder(async (folder) => {
    const others = isThere ? new Others(python, folder) : undefined;
    await times(others);
    if (others) await areas(others);
  });
}

/** LightGBM and scikit-learn, each fit in a process of its own. */
class Others {
  readonly #python: string;
  readonly #folder: string;

  constructor(python: string, folder: string) {
    this.#python = python;
    this.#folder = folder;
  }

  async fit(
    kind: Kind,
    { train, test }: SplitTable,
  ): Promise<{ seconds: number; scores: Float64Array; versions: string }> {
    const path = (name: string): string => join(this.#folder, name);
    await writeFile(path('train'), matrix(train));
    await writeFile(path('test'), matrix(test));
    const job = { do: kind, train: path('train'), test: path('test'), out: path('out') };
    const sizes = { columns: train.columns, trees: TREES, threads: THREADS };
    await writeFile(path('job.json'), JSON.stringify({ ...job, ...sizes }));
    const { stdout } = await run(this.#python, [YARDSTICK, path('job.json')]);
    const { buffer } = new Uint8Array(await readFile(path('out')));
    return { ...JSON.parse(stdout), scores: new Float64Array(buffer) };
  }
}

/** Rows of values and label, float32. */
function matrix({ rows, columns, values, labels }: TreeTable): Uint8Array {
  const out = new Float32Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++) {
    out.set(values.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
    out[row * (columns + 1) + columns] = labels[row]!;
  }
  return new Uint8Array(out.buffer);
}

async function ours(kind: Kind, train: TreeTable, threads = THREADS): Promise<TreeModel> {
  if (kind === 'boosting') return (await fitBoosting({ ...train, options: { trees: TREES, threads } })).model;
  return fitForest({ ...train, options: { kind, trees: TREES, minRowsInLeaf: 2, threads } });
}

async function times(others: Others | undefined): Promise<void> {
  const large = generated(
    'large',
    160_000,
    40,
    9,
    (x) => 1.5 * x[0]! - x[1]! * (x[2]! > 0 ? 1 : -0.5) + Math.sin(2 * x[3]!) - 1.5,
    0.02,
  );
  const found: { ours: number; alone: number; theirs: number }[] = [];
  let model: TreeModel | undefined;
  let versions = '';
  for (let turn = 0; turn < TURNS; turn++) {
    const seconds = async (threads: number): Promise<number> => {
      const started = performance.now();
      model = await ours('boosting', large.train, threads);
      return (performance.now() - started) / 1000;
    };
    const both = await seconds(THREADS);
    const theirs = await others?.fit('boosting', large);
    versions = theirs?.versions ?? 'alone';
    found.push({ ours: both, theirs: theirs?.seconds ?? Number.NaN, alone: await seconds(1) });
  }
  const ratios = found.map((turn) => turn.ours / turn.theirs);
  printTable(
    `boosting: 160,000 rows x 40 columns, ${TREES} trees of 31 leaves, ${THREADS} threads (${versions}, load ${load()})`,
    ['', 'median s', 'all s'],
    [
      ['ours', ...listed(found.map((turn) => turn.ours))],
      ['ours, 1 thread', ...listed(found.map((turn) => turn.alone))],
      ['LightGBM', ...listed(found.map((turn) => turn.theirs))],
      ['ours / LightGBM', ...listed(ratios)],
    ],
  );
  await scoring(model!, large.test);
}

const listed = (values: readonly number[]): [string, string] => [
  median(values).toFixed(2),
  values.map((value) => value.toFixed(2)).join(' '),
];

async function scoring(model: TreeModel, { rows, columns, values }: TreeTable): Promise<void> {
  const session = await InferenceSession.create(
    encodeModel(treeGraph(model), { parametersAs: 'initializers' }),
    { intraOpNumThreads: THREADS },
  );
  const timed = async <T>(work: () => T | Promise<T>): Promise<{ result: T; seconds: number }> => {
    const started = performance.now();
    const result = await work();
    return { result, seconds: (performance.now() - started) / 1000 };
  };
  const direct = await timed(() => predictRaw(model, values));
  const graph = await timed(() => session.run({ values: new Tensor('float32', values, [rows, columns]) }));
  const raw = graph.result.raw!.data as Float32Array;
  const apart = direct.result.reduce((most, score, row) => Math.max(most, Math.abs(score - raw[row]!)), 0);
  await session.release();
  const explained = Math.min(rows, 20_000);
  const explainer = await timed(() => new TreeExplainer(model));
  const shap = await timed(() => explainer.result.contributions(values.subarray(0, explained * columns)));
  printTable(
    `scoring (load ${load()})`,
    ['', 'rows', 's', 'rows/s'],
    [
      ['predictRaw', whole(rows), direct.seconds.toFixed(2), whole(rows / direct.seconds)],
      [
        `graph in the runtime (apart ${apart.toExponential(0)})`,
        whole(rows),
        graph.seconds.toFixed(2),
        whole(rows / graph.seconds),
      ],
      ['TreeSHAP', whole(explained), shap.seconds.toFixed(2), whole(explained / shap.seconds)],
    ],
  );
}

async function areas(others: Others): Promise<void> {
  const rows: string[][] = [];
  for (const split of await treeTables()) {
    for (const kind of ['boosting', 'random', 'extra'] as const) {
      const model = await ours(kind, split.train);
      const theirs = await others.fit(kind, split);
      const own = auroc(split.test.labels, predictRaw(model, split.test.values));
      const other = auroc(split.test.labels, theirs.scores);
      rows.push([
        split.name,
        kind,
        `${whole(split.train.rows)} x ${split.train.columns}`,
        own.toFixed(4),
        other.toFixed(4),
        (own - other).toFixed(4),
      ]);
    }
  }
  printTable(
    `area under the ROC curve on held-out rows, ${TREES} trees: boosting beside LightGBM, forests beside scikit-learn`,
    ['', 'model', 'rows x columns', 'ours', 'theirs', 'difference'],
    rows,
  );
}
