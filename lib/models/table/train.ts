import { ConfigError } from '../../data/index.ts';
import { gatherRows } from '../../engine/host/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import {
  CANDIDATES,
  type Candidate,
  costsOf,
  type Fitted,
  fitChosen,
  mixed,
  offered,
  runTrial,
  searchSettings,
} from '../candidates/index.ts';
import type { TrainContext, Trials, TrialsContext } from '../family.ts';
import { manifestFile, type TaskStrengths } from '../shared/index.ts';
import { type Chosen, chosenOf, type TableTrial } from './chosen.ts';
import { holdOut } from './hold-out.ts';
import { encodeInterval, fitQuantiles } from './interval.ts';
import { type LabelledTable, readLabelled, sharesOf } from './labelled.ts';
import type { TableModelManifest } from './manifest.ts';
import { materialOf, type ReadTable, type TableMaterial } from './material.ts';
import { readersOf, readRowTexts } from './texts.ts';

/** Rows that effects are measured on, with one head; of several as many times fewer. */
const MEASURED = 1024;

/** Trains the model of a labelled table: chosen on held-out training rows, then fitted on all of them. */
export async function trainTable(
  context: TrainContext,
  candidates: readonly Candidate[] = CANDIDATES,
): Promise<ModelFiles> {
  const { store, manifest, group, progress } = context;
  const task = group.tasks[0]!;
  progress('reading the table');
  const labelled = await readLabelled(store, manifest, task);
  const { train } = labelled;
  const { context: own, notes } = await searched(context, labelled);
  const texts = await readRowTexts(own, labelled, parted(labelled).rest);
  const asked = readersOf(offered(candidates, manifest.config), texts);
  const read = { ...labelled, texts };
  const tried = await triedOn(own, read, asked);
  context.tellCosts?.(costsOf([tried.trial]));
  const chosen = await chosenOf(task, labelled, asked, tried);
  const material = materialOf(own, read, train, 'fitting');
  const { fitted, notes: unlearnt } = await fitChosen(chosen.choice, material);
  const { model, files, groups, rowTexts } = fitted.exported();
  const interval =
    labelled.answers === 'number' ? encodeInterval(await fitQuantiles(material), material) : undefined;
  const { comparison, validation, losses } = chosen;
  const description: TableModelManifest = {
    kind: 'label',
    task,
    encoder: material.encoder,
    groups,
    rows: train.length,
    curve: fitted.curve,
    selection: [
      `Chosen on ${tried.trial.rows.length} held-out training rows; the test rows were not looked at.`,
      ...(labelled.without.length > 0
        ? [`Not read, being the column that splits the table by time: ${labelled.without.join(', ')}.`]
        : []),
      ...unreadNotes(labelled),
      ...chosen.notes,
      ...notes,
      ...unlearnt,
    ],
    candidates: losses,
    ...(comparison ? { comparison } : {}),
    ...(validation ? { validation } : {}),
    ...toldOf(chosen, material),
    strengths: await strengthsOf(fitted, labelled),
    ...(rowTexts && texts ? { texts: { ...rowTexts, attributes: texts.attributes } } : {}),
  };
  const beside = interval ? { 'interval.onnx': interval } : {};
  return { 'model.onnx': model, ...beside, ...files, ...manifestFile(description) };
}

/** How the final model is read: a number is on the scale of all training rows. */
function toldOf({ told }: Chosen, { scale }: TableMaterial): Pick<TableModelManifest, 'told'> {
  if (!told) return {};
  return { told: told.form === 'number' ? { ...told, scale } : told };
}

/** Of several heads the mean, each by the share of rows that have it. */
async function strengthsOf(
  fitted: Fitted,
  { heads, labels, train, answers }: LabelledTable,
): Promise<readonly TaskStrengths[]> {
  if (heads.length === 1) return fitted.strengths(train);
  const rows = train.subarray(0, Math.max(16, Math.floor(MEASURED / heads.length)));
  const each = await fitted.strengths(rows);
  return [mixed(each, answers === 'number' ? [1] : [...sharesOf(labels, heads.length, train)])];
}

/** Labels that are listed of those that are no numbers. */
const LISTED = 3;

function unreadNotes({ unread }: LabelledTable): string[] {
  if (unread.length === 0) return [];
  const some = [...new Set(unread)].slice(0, LISTED).map((label) => `"${label}"`);
  return [
    `Rows whose label is no number, which are scored and take part in nothing else: ${unread.length} (${some.join(', ')}).`,
  ];
}

/**
 * Tries candidates on held-out training rows.
 * @throws ConfigError for a task that is no yes or no
 */
export async function tableTrials(context: TrialsContext, candidates: readonly Candidate[]): Promise<Trials> {
  const { store, manifest, group, names, goOn, task } = context;
  const labelled = await readLabelled(store, manifest, group.tasks[0]!);
  if (labelled.answers !== 'yes-no') {
    throw new ConfigError(
      `${task} answers '${labelled.answers}'; models are compared side by side where the answer is yes or no. The report ` +
        'of a run says what each came to on held-out rows',
    );
  }
  const { context: own } = await searched(context, labelled);
  const texts = await readRowTexts(own, labelled, parted(labelled).rest);
  const asked = offered(candidates, manifest.config, names);
  const read = { ...labelled, texts };
  const { trial } = await triedOn(own, read, names ? asked : readersOf(asked, texts), goOn);
  return { tasks: group.tasks, trials: [trial] };
}

/** Training rows that choose the model, and the others. */
function parted(labelled: LabelledTable): { readonly held: Int32Array; readonly rest: Int32Array } {
  const { table, train } = labelled;
  const valid = train.filter((row) => table.splits[row] === 'valid');
  const held = valid.length > 0 ? valid : holdOut(labelled);
  const without = new Set(held);
  return { held, rest: train.filter((row) => !without.has(row)) };
}

/** The context with settings that were searched on the rows that are not held out, where the config asks for it. */
async function searched(
  context: TrainContext,
  labelled: LabelledTable,
): Promise<{ readonly context: TrainContext; readonly notes: readonly string[] }> {
  const { manifest } = context;
  const { search } = manifest.config.training;
  if (!search) return { context, notes: [] };
  const material = materialOf(context, labelled, parted(labelled).rest, 'searching');
  const { config, note } = await searchSettings(material, search.fits);
  return { context: { ...context, manifest: { ...manifest, config } }, notes: [note] };
}

async function triedOn(
  context: TrainContext,
  labelled: ReadTable,
  candidates: readonly Candidate[],
  goOn?: () => boolean,
): Promise<TableTrial> {
  const { held: rows, rest } = parted(labelled);
  const material = materialOf(context, labelled, rest, 'choosing');
  const trial = await runTrial({
    candidates,
    material,
    heldOut: { rows, outcomes: gatherRows(material.outcomes, material.heads.length, rows) },
    users: rows,
    day: null,
    forms: true,
    ...(goOn ? { goOn } : {}),
  });
  return { trial, material };
}
