import { ProgramError } from '../../host/index.ts';
import type { Trainer } from '../trainer/index.ts';
import { type BatchSource, toBatch } from './batches.ts';

/**
 * A mean over all rows of a set from the means of its batches, each counted by its weight: the validation loss of a
 * bucketed or shuffled set. Sums run in the batches' order, so the result repeats.
 * @param batches one epoch of it is evaluated
 * @param output scalar output of the program's evaluation graph; the mean over the rows of weight 1
 * @throws ProgramError when the output is no scalar
 */
export async function meanLoss(trainer: Trainer, batches: BatchSource, output: string): Promise<number> {
  let [total, weights] = [0, 0];
  for (let step = 0; step < batches.stepsPerEpoch; step++) {
    const { feeds, variant, weight = 1 } = toBatch(await batches.at(step));
    const found = await trainer.evaluate(feeds, [output], { variant, transfer: true });
    const { data, shape } = found[output]!;
    if (data.length !== 1) {
      throw new ProgramError(`${output} has shape [${shape.join(', ')}]; a mean over batches needs a scalar`);
    }
    total += weight * Number(data[0]);
    weights += weight;
  }
  return total / weights;
}
