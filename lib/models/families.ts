import type { TaskGroup } from '../run/index.ts';
import { demandFamily } from './demand/index.ts';
import type { ModelFamily } from './family.ts';
import { nextFamily } from './next/index.ts';
import { tableFamily } from './table/index.ts';
import { upliftFamily, upliftTableFamily } from './uplift/index.ts';
import { usersFamily } from './users/index.ts';
import { valueFamily } from './value/index.ts';

/** Every family of tasks by the kind of its groups. */
export const FAMILIES: Readonly<Record<TaskGroup['kind'], ModelFamily<unknown>>> = {
  users: usersFamily(),
  value: valueFamily,
  next: nextFamily,
  demand: demandFamily,
  label: tableFamily(),
  uplift: upliftFamily,
  'uplift-table': upliftTableFamily,
};
