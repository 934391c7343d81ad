import { writeFile } from 'node:fs/promises';
import { encodeSafetensors } from '../../lib/engine/host/index.ts';
import { openTrainer, type StepResult } from '../../lib/engine/train/index.ts';
import { batchOf, programOf, SIZES } from './workload.ts';

/** One training in a process of its own, told by its only argument. */
export interface Setting {
  size: string;
  driver: 'cpu' | 'device';
  precision: 'float32' | 'mixed';
  /** Only the curve; else steps are timed as well. */
  timed: boolean;
  /** Where the first weights go, for others to start from. */
  weights?: string;
}

export interface Outcome {
  losses: number[];
  examplesPerSecond?: number;
}

const CURVE = 20;
const RATE = 1e-3;

const setting = JSON.parse(process.argv[2] ?? '{}') as Setting;
const size = SIZES.find(({ name }) => name === setting.size)!;
const program = programOf(size);
if (setting.weights) {
  const tensors = program.parameters.map(({ name, shape, data }) => [name, { type: 'float32', shape, data }]);
  await writeFile(setting.weights, encodeSafetensors(Object.fromEntries(tensors)));
}
const trainer = await openTrainer(program, {
  driver: setting.driver,
  precision: setting.precision,
  threads: 2,
  optimiser: { clipNorm: 1, weightDecay: 0.01 },
});
const results: StepResult[] = [];
async function advance(steps: number): Promise<void> {
  for (let left = steps; left > 0; left -= trainer.stepsPerRun) {
    const count = Math.min(left, trainer.stepsPerRun);
    const first = results.length;
    const run = Array.from({ length: count }, (_, i) => ({ feeds: batchOf(size, first + i), lr: RATE }));
    results.push(...(await trainer.steps(run, { transfer: true })));
  }
}
await advance(CURVE);
const outcome: Outcome = { losses: results.map(({ loss }) => loss) };
if (setting.timed) {
  await advance(size.steps);
  const started = performance.now();
  await advance(size.steps);
  outcome.examplesPerSecond = (size.steps * size.batch) / ((performance.now() - started) / 1000);
}
await trainer.close();
console.log(JSON.stringify(outcome));
