// A training run in a process of its own: `killable-run.ts CHECKPOINT`. Prints each step's loss, writes a checkpoint
// every 4 steps and goes on from the one it finds.
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import {
  createRng,
  float32,
  linearSchedule,
  openTrainer,
  shuffledBatches,
  fit as train,
} from '../../lib/train/index.ts';
import { evaluationBatch, smallBatch, smallOptimiser, smallProgram } from './small.ts';

const path = process.argv[2]!;
const trainer = await openTrainer(smallProgram(), { optimiser: smallOptimiser });
const masks = createRng(5).fork('dropout');
await train({
  trainer,
  batches: shuffledBatches({
    rows: 4,
    batchSize: 1,
    rng: createRng(5).fork('order'),
    make: ([row]) => ({ ...smallBatch(row!), mask: float32(masks.dropoutMask(48, 0.25), [8, 6]) }),
  }),
  steps: 30,
  lr: 0.05,
  schedule: linearSchedule({ warmup: 3 }),
  evaluate: async () => ({
    loss: Number((await trainer.evaluate(evaluationBatch(1), ['loss'])).loss!.data[0]),
  }),
  rngs: { masks },
  checkpoint: {
    every: 4,
    put: async (bytes) => {
      await writeFile(`${path}.new`, bytes);
      await rename(`${path}.new`, path);
    },
  },
  ...(existsSync(path) ? { resume: new Uint8Array(readFileSync(path)) } : {}),
  onProgress: ({ step, loss }) => process.stdout.write(`${step} ${loss}\n`),
});
const parameters = await trainer.parameters();
process.stdout.write(
  `end ${Object.values(parameters)
    .map((values) => values.join(' '))
    .join(' ')}\n`,
);
await trainer.close();
