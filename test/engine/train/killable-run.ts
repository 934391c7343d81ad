// A training run in a process of its own: `killable-run.ts CHECKPOINT`. Prints each step's loss, writes a checkpoint
// every 4 steps and goes on from the one it finds. Length buckets, dropout, accumulation and averages are all in it.
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { linearSchedule, meanLoss, openTrainer, fit as train } from '../../../lib/engine/train/index.ts';
import { encoderBatches, encoderProgram } from './small-encoder.ts';

const path = process.argv[2]!;
const { program, sites } = encoderProgram(0.2);
const trainer = await openTrainer(program, { optimiser: { kind: 'adafactor' } });
await train({
  trainer,
  batches: encoderBatches(sites),
  steps: 30,
  lr: 0.05,
  schedule: linearSchedule({ warmup: 3 }),
  accumulate: 2,
  ema: 0.9,
  evaluateEvery: 10,
  evaluate: async () => ({ loss: await meanLoss(trainer, encoderBatches(), 'loss') }),
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
