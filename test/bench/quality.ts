import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openExample } from '../../bin/commands/backtest.ts';
import { fixed, table } from '../../bin/commands/shared.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { auroc, ece, logLoss, pairedBootstrap } from '../../lib/engine/metrics/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { type BinaryOutcomes, finetuneRun } from '../../lib/models/index.ts';
import { planRun } from '../../lib/run/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import { type QualityMatrix, tableMatrix, userMatrix } from './quality-matrix.ts';
import { withFolder } from './support.ts';

/** The example, the task, and the as-of day: none for a labelled table. */
type Case = readonly [example: string, task: string, asOf: string | null];

const CASES: readonly Case[] = [
  ['online-retail', 'purchase', '2011-09-10'],
  ['online-retail', 'purchase30', '2011-11-09'],
  ['complete-journey', 'purchase', '2017-12-01'],
  ['online-shoppers', 'purchase', null],
  ['online-shoppers', 'purchaseBlind', null],
];
const YARDSTICK = fileURLToPath(new URL('./quality-yardstick.py', import.meta.url));
const BINS = 10;

/**
 * Our model with default settings beside LightGBM and logistic regression on the very rows and columns that it learns
 * from, where a Python has them (NIGHTJAR_PYTHON names another): AUROC, log loss, ECE, and the differences with intervals
 * of a paired bootstrap.
 * `--example NAME --task NAME --as-of DAY`: another case than the usual ones.
 */
export async function benchQuality(options: readonly string[] = []): Promise<void> {
  const option = (name: string) => {
    const at = options.indexOf(name);
    return at < 0 ? undefined : options[at + 1];
  };
  const [example, task] = [option('--example'), option('--task')];
  const cases: readonly Case[] =
    example && task
      ? [[example, task, option('--as-of') ?? null]]
      : CASES.filter(([name]) => !example || name === example);
  for (const one of cases) await withFolder((folder) => compare(one, folder));
}

interface Contestant {
  readonly name: string;
  readonly told: string;
  readonly probabilities: readonly number[];
}

async function compare([example, task, asOf]: Case, folder: string): Promise<void> {
  const workspace = await openExample(example, join(folder, 'bucket'));
  const { store } = workspace;
  const drops = await workspace.ingest(() => {});
  const { runId, manifest } = await planRun({ ...workspace, drops, purpose: 'backtest', asOf, only: task });
  const started = performance.now();
  await finetuneRun({ store, runId, progress: () => {} });
  const seconds = (performance.now() - started) / 1000;
  const shards = { from: 0, to: manifest.shards };
  await scoreRun({ store, runId, shards, progress: () => {} });
  const { outcomes } = await evaluateRun({
    store,
    runId,
    drops,
    seconds: {},
    tasks: [task],
    now: () => new Date(),
  });
  const { labels, probabilities } = outcomes[task] as BinaryOutcomes;
  const matrix = await (asOf === null ? tableMatrix : userMatrix)(store, manifest, task);
  if (matrix.asked !== labels.length) {
    throw new Error(`${matrix.asked} rows are asked for and ${labels.length} were scored: the orders differ`);
  }
  const ours: Contestant = { name: 'nightjar', told: `trained in ${seconds.toFixed(0)} s`, probabilities };
  const all = [ours, ...(await yardsticks(matrix, folder))];
  console.log(
    `\n${example}, ${task}${asOf ? `, ${asOf}` : ''}: ${labels.length} rows, ${matrix.labels.length} x ${matrix.width} to learn from`,
  );
  console.log(
    table(
      [
        '',
        'AUROC',
        'log loss',
        'ECE',
        'of one that is right',
        'mean',
        'AUROC: ours - theirs',
        'log loss: ours - theirs',
        '',
      ],
      all.map((one) => [
        one.name,
        fixed(auroc(labels, one.probabilities), 4),
        fixed(logLoss(labels, one.probabilities), 4),
        fixed(ece(labels, one.probabilities), 4),
        fixed(calibratedEce(one.probabilities), 4),
        fixed(one.probabilities.reduce((sum, p) => sum + p, 0) / labels.length, 3),
        one === ours ? '' : difference(labels, ours, one, auroc),
        one === ours ? '' : difference(labels, ours, one, logLoss),
        one.told,
      ]),
    ),
  );
}

/** The ECE that a perfectly calibrated model with these probabilities has by chance: the mean of 200 drawn outcomes. */
function calibratedEce(probabilities: readonly number[]): number {
  const rng = createRng(11);
  let sum = 0;
  for (let draw = 0; draw < 200; draw++) {
    const labels = probabilities.map((p) => Number(rng.uniform() < p));
    sum += ece(labels, probabilities, BINS);
  }
  return sum / 200;
}

type Metric = (labels: number[], probabilities: number[]) => number;

function difference(labels: readonly number[], a: Contestant, b: Contestant, metric: Metric): string {
  const on = (probabilities: readonly number[]) => (users: Int32Array) =>
    metric(
      Array.from(users, (i) => labels[i]!),
      Array.from(users, (i) => probabilities[i]!),
    );
  const {
    difference: found,
    low,
    high,
  } = pairedBootstrap({
    n: labels.length,
    samples: 500,
    rng: createRng(3),
    metricA: on(a.probabilities),
    metricB: on(b.probabilities),
  });
  return `${fixed(found, 4)} (${fixed(low, 4)} to ${fixed(high, 4)})`;
}

async function yardsticks(matrix: QualityMatrix, folder: string): Promise<Contestant[]> {
  const { inputs, labels, cutoffs, width, horizon, asked } = matrix;
  await writeFile(join(folder, 'inputs.f32'), inputs);
  await writeFile(join(folder, 'labels.f32'), labels);
  await writeFile(join(folder, 'cutoffs.i32'), cutoffs);
  await writeFile(join(folder, 'shape.json'), JSON.stringify({ width, horizon, asked }));
  const python = process.env.NIGHTJAR_PYTHON ?? 'python3';
  try {
    const { stdout } = await promisify(execFile)(python, [YARDSTICK, folder], { maxBuffer: 2 ** 28 });
    const found: Record<string, { settings: string; probabilities: number[] }> = JSON.parse(stdout);
    return Object.entries(found).map(([name, { settings, probabilities }]) => ({
      name,
      told: settings,
      probabilities,
    }));
  } catch (error) {
    console.log(`left out: LightGBM and logistic regression (${String(error).split('\n')[0]})`);
    return [];
  }
}
