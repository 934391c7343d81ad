import type { LabelTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { FEWEST_OF_EACH as FEWEST } from '../shared/index.ts';
import { type LabelledTable, labelTask, readLabelled } from './labelled.ts';

/** Are there enough training rows of either label, of several classes, or with a number? */
export async function checkTable({ store, manifest, group }: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const task = labelTask(manifest.config, name);
  const leave = (why: string) => ({ tasks: [], leftOut: [{ task: name, why }], warnings: [] });
  try {
    const why = tooFew(task, await readLabelled(store, manifest, name));
    return why === undefined ? { tasks: [name], leftOut: [], warnings: [] } : leave(why);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return leave(error.message.replace(`task ${name}: `, '').replace(`task ${name} `, ''));
  }
}

/** Why there is too little to learn from; undefined where there is enough. */
function tooFew(
  { positive }: LabelTask,
  { answers, heads, labels, train }: LabelledTable,
): string | undefined {
  if (answers === 'number') {
    if (train.length >= 2 * FEWEST) return undefined;
    return `${train.length} training rows have a number as their label; at least ${2 * FEWEST} are needed`;
  }
  const counts = heads.map((_, k) => train.reduce((sum, row) => sum + labels[row * heads.length + k]!, 0));
  if (answers === 'one-of') {
    const enough = counts.filter((count) => count >= FEWEST).length;
    if (enough >= 2) return undefined;
    return `${enough} of its ${heads.length} classes have ${FEWEST} training rows or more; at least 2 are needed`;
  }
  const both = counts.some((count) => count >= FEWEST && train.length - count >= FEWEST);
  if (both) return undefined;
  if (answers === 'any-of') {
    return `none of its ${heads.length} labels is that of at least ${FEWEST} training rows and missing from as many`;
  }
  return (
    `of its training rows ${counts[0]} have the label "${positive}" and ${train.length - counts[0]!} have not; at least ` +
    `${FEWEST} of each are needed`
  );
}
