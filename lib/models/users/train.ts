import { DataError, formatDay, parseDay } from '../../data/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { CANDIDATES, type Candidate, fitChosen } from '../candidates/index.ts';
import type { TrainContext } from '../family.ts';
import { cutoffGrid, historyStart, manifestFile, type UserRows } from '../shared/index.ts';
import { knownBy } from './known.ts';
import type { UsersModelManifest } from './manifest.ts';
import { materialOf, rowsWhere } from './material.ts';
import { select } from './select.ts';
import { userHeads } from './user-rows.ts';

/**
 * Trains the model of the tasks over users from what was known before the as-of day: chooses at past
 * cut-offs whose windows are closed, each time with everything fitted on what was known by then, then fits what was chosen
 * again on all.
 * @throws DataError when there is no history to learn from
 */
export async function trainUsers(
  context: TrainContext,
  candidates: readonly Candidate[] = CANDIDATES,
): Promise<ModelFiles> {
  const { manifest, group } = context;
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const first = await historyStart(await context.users(), asOf);
  if (first === undefined) {
    throw new DataError(
      `there are no events before the as-of day ${manifest.asOf}: choose a later day, or drop earlier ones`,
    );
  }
  const heads = userHeads(config, group.tasks, asOf - first);
  const grid = cutoffGrid(config, first, asOf);
  if (grid.length === 0) {
    throw new DataError(
      `no history to learn from: the first event is of ${formatDay(first)}, the as-of day ${manifest.asOf}; ` +
        'give at least a few days of events before it',
    );
  }
  const chosen = await select(context, { candidates, heads, first, asOf, grid });
  const rich = chosen.choice.members.some(({ reads }) => reads.length > 1);
  const all = await knownBy(chosen.context, heads, { first, day: asOf, cutoffs: [...grid, asOf], rich });
  const material = materialOf(all, asOf);
  const { fitted, notes: unlearnt } = await fitChosen(chosen.choice, material);
  const { model, files, groups, sequence, text } = fitted.exported();
  const description: UsersModelManifest = {
    kind: 'users',
    heads,
    sequence,
    ...(text ? { text } : {}),
    columns: all.survey.columns,
    profile: all.survey.profile,
    groups,
    trainedBefore: manifest.asOf!,
    rows: material.used.length,
    curve: fitted.curve,
    pretraining: fitted.pretraining,
    selection: [...chosen.notes, ...unlearnt, ...drawn(all.rows)],
    candidates: chosen.losses,
    comparison: chosen.comparison,
    validation: chosen.validation,
    ...(group.leftOut?.length ? { leftOut: group.leftOut } : {}),
    ...(group.scarce?.length ? { scarce: group.scarce } : {}),
    strengths: await fitted.strengths(rowsWhere(all.rows, (row) => all.rows.cutoff[row] === asOf)),
  };
  return { 'model.onnx': model, ...files, ...manifestFile(description) };
}

/** Told where there were more rows than training holds. */
const drawn = ({ count, of }: UserRows): string[] =>
  count < of
    ? [
        `Learnt from ${count.toLocaleString('en-GB')} of ${of.toLocaleString('en-GB')} rows (a user at a cut-off), drawn by a ` +
          'hash of the user: more are not held in memory at once.',
      ]
    : [];
