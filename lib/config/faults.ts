import type { z } from 'zod';
import type { Config } from './schema.ts';

/** What is wrong with a setting, given others. */
export interface CrossFault {
  readonly path: readonly PropertyKey[];
  readonly given?: unknown;
  readonly expected: string;
  /** Where a schema has told it, which has words of its own. */
  readonly issue?: z.core.$ZodIssue;
}

/** The parts of a config that are right by themselves: of sources, tasks and environments each entry. */
export type Parts = Partial<Omit<Config, 'sources' | 'tasks' | 'environments'>> &
  Pick<Config, 'sources' | 'tasks' | 'environments'> & {
    /** Names of all sources, the wrong ones too; undefined where they are not even named. */
    readonly named: ReadonlySet<string> | undefined;
  };
