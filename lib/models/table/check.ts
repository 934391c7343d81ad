import { DataError } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { FEWEST_OF_EACH as FEWEST } from '../shared/index.ts';
import { labelTask, readLabelled } from './labelled.ts';

/** Are there enough training rows of either label? */
export async function checkTable({ store, manifest, group }: CheckContext): Promise<GroupCheck> {
  const name = group.tasks[0]!;
  const { positive } = labelTask(manifest.config, name);
  const leave = (why: string) => ({ tasks: [], leftOut: [{ task: name, why }], warnings: [] });
  try {
    const { train, labels } = await readLabelled(store, manifest, name);
    const positives = train.reduce((sum, row) => sum + labels[row]!, 0);
    const negatives = train.length - positives;
    if (positives >= FEWEST && negatives >= FEWEST) return { tasks: [name], leftOut: [], warnings: [] };
    return leave(
      `of its training rows ${positives} have the label "${positive}" and ${negatives} have not; at least ${FEWEST} of ` +
        'each are needed',
    );
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return leave(error.message.replace(`task ${name}: `, '').replace(`task ${name} `, ''));
  }
}
