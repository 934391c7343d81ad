import { type AttributeEncoder, attributeNames, fitAttributes } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { TrainContext } from '../family.ts';
import { manifestFile } from '../shared/index.ts';
import { tableFeatures } from '../table/index.ts';
import { balanceOf, balanceSentence } from './balance.ts';
import type { FitRun } from './base-model.ts';
import { learnUplift } from './learn.ts';
import type { UpliftModelManifest } from './manifest.ts';
import { exportUplift, type UpliftMaterial, upliftMaterial } from './material.ts';
import { readTrialTable, type TrialTable } from './table-rows.ts';
import { upliftTask } from './uplift-task.ts';

export const runOf = ({ config }: Pick<RunManifest, 'config'>): FitRun => ({
  seed: config.model.seed,
  threads: config.training.threads,
});

/** The training rows that are compared, encoded and standardised by these rows alone. */
export function trialMaterial(
  trial: TrialTable,
  manifest: Pick<RunManifest, 'config'>,
  name: string,
): UpliftMaterial & { readonly encoder: AttributeEncoder } {
  const { table, treated, outcomes, unit, compared } = trial;
  const encoder = fitAttributes(table, [...compared]);
  const known = {
    features: tableFeatures(table, encoder),
    names: attributeNames(encoder),
    ...{ treated, outcomes, unit },
    binary: upliftTask(manifest, name).of === 'chance',
    logarithms: false,
  };
  return { ...upliftMaterial(known, compared), encoder };
}

/** Trains the model of a trial's table: chosen on folds of its training rows, then fitted on all of them. */
export async function trainTrialTable(context: TrainContext): Promise<ModelFiles> {
  const { store, manifest, group, progress } = context;
  const task = group.tasks[0]!;
  const { least } = upliftTask(manifest, task);
  progress('reading the table');
  const trial = await readTrialTable(store, manifest, task);
  const material = trialMaterial(trial, manifest, task);
  const run = runOf(manifest);
  progress('looking whether chance put the rows into arms');
  const balance = await balanceOf(material.table, run);
  const learnt = await learnUplift(material.table, { run, least, progress });
  const { model, groups, strengths } = await exportUplift(learnt, material);
  const treated = material.table.treated.reduce((sum, arm) => sum + arm, 0);
  const { without } = trial;
  const description: UpliftModelManifest = {
    kind: 'uplift',
    task,
    encoder: material.encoder,
    groups,
    arms: { treated, control: material.table.rows - treated, leftOut: trial.leftOut },
    balance,
    losses: learnt.losses,
    selection: [
      balanceSentence(balance),
      ...learnt.notes,
      ...(without.length > 0
        ? [`Not read, being the column that splits the table by time: ${without.join(', ')}.`]
        : []),
    ],
    validation: { [task]: learnt.validation },
    strengths,
  };
  return { 'model.onnx': model, ...manifestFile(description) };
}
