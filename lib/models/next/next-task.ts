import type { NextTask } from '../../config/index.ts';
import { DataError, parseDay } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';

/** The list task of this name. @throws DataError when there is none */
export function nextTask({ config }: Pick<RunManifest, 'config'>, name: string): NextTask {
  const task = config.tasks[name];
  if (task?.kind !== 'next') {
    const names = Object.keys(config.tasks).filter((other) => config.tasks[other]?.kind === 'next');
    throw new DataError(`"${name}" is no task of kind "next" (there are: ${names.join(', ') || 'none'})`);
  }
  return task;
}

/** The as-of day of a run over events. @throws DataError for a run of labelled tables alone */
export function asOfDay({ asOf }: RunManifest): number {
  if (asOf === null) throw new DataError('a list task needs an as-of day, and this run has none');
  return parseDay(asOf);
}
