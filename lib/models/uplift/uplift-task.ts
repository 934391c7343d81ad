import type { UpliftTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';

export function upliftTask({ config }: Pick<RunManifest, 'config'>, name: string): UpliftTask {
  const task = config.tasks[name];
  if (task?.kind === 'uplift') return task;
  throw new DataError(`${name} is no task of the effect of a treatment`);
}
