import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openExample } from '../../bin/commands/backtest.ts';
import { fixed, table } from '../../bin/commands/shared.ts';
import { parseDay } from '../../lib/data/index.ts';
import { createRng, gatherRows } from '../../lib/engine/host/index.ts';
import { mae, pairedBootstrap, rmse, spearman, topShare } from '../../lib/engine/metrics/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { finetuneRun, type ValueOutcomes } from '../../lib/models/index.ts';
import { cutoffGrid, historyStart } from '../../lib/models/shared/index.ts';
import { fitValue, predictValue } from '../../lib/models/value/fit.ts';
import { buildValueRows, valueColumns } from '../../lib/models/value/rows.ts';
import { valueTask } from '../../lib/models/value/value-task.ts';
import { openUsers, planRun } from '../../lib/run/index.ts';
import { scoreRun } from '../../lib/score/index.ts';
import { withFolder } from './support.ts';

const YARDSTICK = fileURLToPath(new URL('./value-yardstick.py', import.meta.url));

interface Contestant {
  readonly name: string;
  readonly values: ArrayLike<number>;
  readonly told?: string;
}

/**
 * A value task with default settings beside BG/NBD x Gamma-Gamma alone and LightGBM's two-part and Tweedie models on the very
 * rows and columns that our trees read, where a Python has it (NIGHTJAR_PYTHON names another).
 * `--example NAME --task NAME --as-of DAY`: another case than online-retail's spend as of 2011-09-10.
 */
export async function benchValue(options: readonly string[] = []): Promise<void> {
  const option = (name: string, usual: string) => {
    const at = options.indexOf(name);
    return at < 0 ? usual : options[at + 1]!;
  };
  const task = option('--task', 'spend');
  const asOf = option('--as-of', '2011-09-10');
  await withFolder((folder) => compare(option('--example', 'online-retail'), task, asOf, folder));
}

async function compare(example: string, task: string, asOf: string, folder: string): Promise<void> {
  const workspace = await openExample(example, join(folder, 'bucket'));
  const { store } = workspace;
  const drops = await workspace.ingest(() => {});
  const { runId, manifest } = await planRun({ ...workspace, drops, purpose: 'backtest', asOf, only: task });
  const started = performance.now();
  await finetuneRun({ store, runId, progress: () => {} });
  const seconds = (performance.now() - started) / 1000;
  await scoreRun({ store, runId, shards: { from: 0, to: manifest.shards }, progress: () => {} });
  const { outcomes, report } = await evaluateRun({
    ...{ store, runId, drops, seconds: {}, tasks: [task] },
    now: () => new Date(),
  });
  const own = outcomes[task] as ValueOutcomes;
  const coverage = report.models.flatMap(({ tasks }) =>
    tasks.flatMap((one) => (one.kind === 'value' && one.evaluation ? [one.evaluation.coverage] : [])),
  );
  const group = manifest.groups.find(({ tasks }) => tasks.includes(task))!;
  const users = openUsers(store, manifest);
  const context = { store, manifest, group, users: async () => users, progress: () => {} };
  const day = parseDay(asOf);
  const first = (await historyStart(users, day))!;
  const cutoffs = [...cutoffGrid(manifest.config, first, day), day];
  const value = await buildValueRows(context, await valueColumns(context, first, day), cutoffs);
  const { horizonDays } = valueTask(manifest, task);
  const run = { seed: 7, threads: 2, progress: () => {} };
  const fitted = await fitValue(value, { day, horizonDays }, run);
  const { rows, reads } = value;
  const all = Int32Array.from({ length: rows.count }, (_, row) => row);
  const asked = all.filter((row) => rows.cutoff[row] === day);
  const train = all.filter((row) => rows.cutoff[row]! + horizonDays <= day);
  if (asked.length !== own.ids.length) throw new Error('other users were scored than are asked for');
  const { members } = predictValue(fitted, value, asked, horizonDays);
  const inputs = (at: Int32Array) => {
    const whole = gatherRows(rows.features, rows.width, at);
    return Float32Array.from(
      { length: at.length * reads },
      (_, i) => whole[Math.floor(i / reads) * rows.width + (i % reads)]!,
    );
  };
  await writeFile(join(folder, 'train.f32'), inputs(train));
  await writeFile(join(folder, 'asked.f32'), inputs(asked));
  await writeFile(join(folder, 'amounts.f32'), gatherRows(rows.outcomes, 1, train));
  await writeFile(join(folder, 'users.f32'), gatherRows(rows.unit, 1, train));
  await writeFile(join(folder, 'shape.json'), JSON.stringify({ width: reads }));
  const ours: Contestant = {
    name: 'nightjar',
    values: own.values,
    told: `trained in ${seconds.toFixed(0)} s`,
  };
  const contestants: Contestant[] = [
    ours,
    { name: 'BG/NBD x Gamma-Gamma', values: members[0]! },
    ...(await yardsticks(folder)),
  ];
  const truth = own.truth;
  console.log(
    `\n${example}, ${task}, ${asOf}: ${truth.length} users, ${train.length} x ${reads} to learn from, 80 % intervals hold ${fixed(coverage[0] ?? null, 3)}`,
  );
  console.log(
    table(
      ['', 'Spearman', 'ours - theirs', 'first tenth', 'ours - theirs', 'MAE', 'RMSE', 'mean', ''],
      contestants.map((one) => [
        one.name,
        fixed(spearman(truth, one.values), 4),
        one === ours ? '' : difference(truth, ours, one, spearman),
        fixed(topShare(truth, one.values, 0.1), 4),
        one === ours ? '' : difference(truth, ours, one, (y, v) => topShare(y, v, 0.1)),
        fixed(mae(truth, one.values), 1),
        fixed(rmse(truth, one.values), 1),
        fixed(Array.from(one.values).reduce((sum, v) => sum + v, 0) / truth.length, 1),
        one.told ?? '',
      ]),
    ),
  );
  for (const note of report.models.flatMap(({ selection }) => selection)) console.log(note);
}

function difference(
  truth: readonly number[],
  a: Contestant,
  b: Contestant,
  metric: (truth: number[], values: number[]) => number,
): string {
  const on = (values: ArrayLike<number>) => (users: Int32Array) =>
    metric(
      Array.from(users, (i) => truth[i]!),
      Array.from(users, (i) => values[i]!),
    );
  const {
    difference: found,
    low,
    high,
  } = pairedBootstrap({
    n: truth.length,
    samples: 500,
    rng: createRng(3),
    metricA: on(a.values),
    metricB: on(b.values),
  });
  return `${fixed(found, 4)} (${fixed(low, 4)} to ${fixed(high, 4)})`;
}

async function yardsticks(folder: string): Promise<Contestant[]> {
  const python = process.env.NIGHTJAR_PYTHON ?? 'python3';
  try {
    const { stdout } = await promisify(execFile)(python, [YARDSTICK, folder], { maxBuffer: 2 ** 28 });
    const found: Record<string, { settings: string; values: number[] }> = JSON.parse(stdout);
    return Object.entries(found).map(([name, { settings, values }]) => ({ name, values, told: settings }));
  } catch (error) {
    console.log(`left out: LightGBM (${String(error).split('\n')[0]})`);
    return [];
  }
}
