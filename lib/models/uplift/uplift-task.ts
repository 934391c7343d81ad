import type { EventTask, UpliftTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';

export function upliftTask({ config }: Pick<RunManifest, 'config'>, name: string): UpliftTask {
  const task = config.tasks[name];
  if (task?.kind === 'uplift') return task;
  throw new DataError(`${name} is no task of the effect of a treatment`);
}

/** What a task of campaigns asks of whom, as a task that asks whether the event comes. */
export const askedBy = ({
  event = 'purchase',
  horizonDays = 0,
  population = 'known',
  knownDays,
}: UpliftTask): EventTask => ({
  kind: 'event',
  event,
  horizonDays,
  population,
  ...(knownDays === undefined ? {} : { knownDays }),
});
