import type { Config, DemandTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';

/** The task of this name. @throws DataError when it forecasts no items */
export function demandTask({ config }: { readonly config: Config }, name: string): DemandTask {
  const task = config.tasks[name];
  if (task?.kind === 'demand') return task;
  const names = Object.keys(config.tasks).filter((other) => config.tasks[other]?.kind === 'demand');
  throw new DataError(`"${name}" is no task of kind "demand" (there are: ${names.join(', ') || 'none'})`);
}

/** 'items', or what an attribute's values are called. */
export const things = (of: string): string => (of === 'item' ? 'items' : `values of "${of}"`);
