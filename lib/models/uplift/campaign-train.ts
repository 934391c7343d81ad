import { DataError } from '../../data/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { CheckContext, GroupCheck, TrainContext } from '../family.ts';
import { manifestFile } from '../shared/index.ts';
import { balanceOf, balanceSentence, notByChance, slightImbalance } from './balance.ts';
import { campaignRows } from './campaign-rows.ts';
import { tooLittle } from './enough.ts';
import { learnUplift } from './learn.ts';
import type { UpliftModelManifest } from './manifest.ts';
import { exportUplift } from './material.ts';
import { runOf } from './table-train.ts';
import { upliftTask } from './uplift-task.ts';

/** Are there enough treatments in both arms whose windows are over, and did chance put users there? */
export async function checkCampaigns(context: CheckContext): Promise<GroupCheck> {
  const task = context.group.tasks[0]!;
  const leave = (why: string) => ({ tasks: [], leftOut: [{ task, why }], warnings: [] });
  try {
    const { material, leftOut } = await campaignRows(context);
    const few = tooLittle(material.table);
    const told = leftOut.map(({ rows, why }) => `${rows} ${why}`).join(', ');
    if (few !== undefined) return leave(told === '' ? few : `${few} (left out are ${told})`);
    const balance = await balanceOf(material.table, runOf(context.manifest));
    const refusal = notByChance(balance);
    if (refusal !== undefined) return leave(refusal);
    const slight = slightImbalance(balance);
    return { tasks: [task], leftOut: [], warnings: slight === undefined ? [] : [{ task, why: slight }] };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return leave(error.message);
  }
}

/** Trains the model of a task of campaigns from treatments whose windows were over before the as-of day. */
export async function trainCampaigns(context: TrainContext): Promise<ModelFiles> {
  const { manifest, group, progress } = context;
  const task = group.tasks[0]!;
  const { least } = upliftTask(manifest, task);
  progress('reading treatments and users');
  const { material, columns, profile, leftOut } = await campaignRows(context);
  const run = runOf(manifest);
  const balance = await balanceOf(material.table, run);
  const learnt = await learnUplift(material.table, { run, least, progress });
  const { model, groups, strengths } = await exportUplift(learnt, material);
  const treated = material.table.treated.reduce((sum, arm) => sum + arm, 0);
  const description: UpliftModelManifest = {
    kind: 'uplift',
    task,
    trainedBefore: manifest.asOf!,
    columns,
    encoder: profile,
    groups,
    arms: { treated, control: material.table.rows - treated, leftOut },
    balance,
    losses: learnt.losses,
    selection: [balanceSentence(balance), ...learnt.notes],
    validation: { [task]: learnt.validation },
    strengths,
  };
  return { 'model.onnx': model, ...manifestFile(description) };
}
