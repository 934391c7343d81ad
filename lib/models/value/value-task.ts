import type { Config, ValueTask } from '../../config/index.ts';
import { DataError, minorDigits } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';

/** The value task of this name. @throws DataError when there is none */
export function valueTask({ config }: Pick<RunManifest, 'config'>, name: string): ValueTask {
  const task = config.tasks[name];
  if (task?.kind === 'value') return task;
  const names = Object.keys(config.tasks).filter((other) => config.tasks[other]?.kind === 'value');
  throw new DataError(`"${name}" is no task of kind "value" (there are: ${names.join(', ') || 'none'})`);
}

/** How many of what the fold sums make one of what is predicted: minor units to money, thousandths to units. */
export function perUnit(config: Config, { of }: ValueTask): number {
  if (of === 'money') return 10 ** minorDigits(config.shop.currency);
  return of === 'units' ? 1000 : 1;
}
