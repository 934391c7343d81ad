import { DataError } from '../../data/index.ts';
import type { CheckContext, GroupCheck } from '../family.ts';
import { balanceOf, notByChance, slightImbalance } from './balance.ts';
import { tooLittle } from './enough.ts';
import { readTrialTable } from './table-rows.ts';
import { runOf, trialMaterial } from './table-train.ts';

/** Are there enough rows in both arms, and did chance put them there? */
export async function checkTrialTable({ store, manifest, group }: CheckContext): Promise<GroupCheck> {
  const task = group.tasks[0]!;
  const leave = (why: string) => ({ tasks: [], leftOut: [{ task, why }], warnings: [] });
  try {
    const material = trialMaterial(await readTrialTable(store, manifest, task), manifest, task);
    const few = tooLittle(material.table);
    if (few !== undefined) return leave(few);
    const balance = await balanceOf(material.table, runOf(manifest));
    const refusal = notByChance(balance);
    if (refusal !== undefined) return leave(refusal);
    const slight = slightImbalance(balance);
    return { tasks: [task], leftOut: [], warnings: slight === undefined ? [] : [{ task, why: slight }] };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return leave(error.message.replace(`task ${task}: `, '').replace(`task ${task} `, ''));
  }
}
