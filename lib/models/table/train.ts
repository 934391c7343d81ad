import { stableUnit } from '../../data/index.ts';
import { gatherRows } from '../../engine/host/index.ts';
import { attributeNames, fitAttributes } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import {
  CANDIDATES,
  type Candidate,
  costsOf,
  fitChosen,
  fitColumns,
  fitInputs,
  type Material,
  offered,
  runTrial,
  searchSettings,
  selected,
  type Trial,
  writeInputs,
} from '../candidates/index.ts';
import type { TrainContext, Trials, TrialsContext } from '../family.ts';
import { manifestFile } from '../shared/index.ts';
import { askedOf, type Scale } from './asked.ts';
import { holdOut } from './hold-out.ts';
import { type LabelledTable, readLabelled, tableFeatures } from './labelled.ts';
import type { TableModelManifest } from './manifest.ts';
import { besideTexts, readersOf, readRowTexts, type TableTexts } from './texts.ts';

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
  const trial = await tried(own, { ...labelled, texts }, asked);
  context.tellCosts?.(costsOf([trial]));
  const chosen = selected({ candidates: asked, tasks: [task], horizons: [0], by: 'rows' }, [trial]);
  const material = materialOf(own, { ...labelled, texts }, train, 'fitting');
  const { fitted, notes: unlearnt } = await fitChosen(chosen.choice, material);
  const { model, files, groups, rowTexts } = fitted.exported();
  const description: TableModelManifest = {
    kind: 'label',
    task,
    encoder: material.encoder,
    groups,
    rows: train.length,
    curve: fitted.curve,
    selection: [
      `Chosen on ${trial.rows.length} held-out training rows; the test rows were not looked at.`,
      ...(labelled.without.length > 0
        ? [`Not read, being the column that splits the table by time: ${labelled.without.join(', ')}.`]
        : []),
      ...chosen.notes,
      ...notes,
      ...unlearnt,
    ],
    candidates: chosen.losses,
    comparison: chosen.comparison,
    validation: chosen.validation,
    strengths: await fitted.strengths(train),
    ...(rowTexts && texts ? { texts: { ...rowTexts, attributes: texts.attributes } } : {}),
  };
  return { 'model.onnx': model, ...files, ...manifestFile(description) };
}

/** Tries candidates on held-out training rows. */
export async function tableTrials(context: TrialsContext, candidates: readonly Candidate[]): Promise<Trials> {
  const { store, manifest, group, names, goOn } = context;
  const labelled = await readLabelled(store, manifest, group.tasks[0]!);
  const { context: own } = await searched(context, labelled);
  const texts = await readRowTexts(own, labelled, parted(labelled).rest);
  const asked = offered(candidates, manifest.config, names);
  const read = { ...labelled, texts };
  const trial = await tried(own, read, names ? asked : readersOf(asked, texts), goOn);
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

/** A table with its texts, where they are read by an encoder. */
type ReadTable = LabelledTable & { readonly texts?: TableTexts | undefined };

function tried(
  context: TrainContext,
  labelled: ReadTable,
  candidates: readonly Candidate[],
  goOn?: () => boolean,
): Promise<Trial> {
  const { held: rows, rest } = parted(labelled);
  const material = materialOf(context, labelled, rest, 'choosing');
  return runTrial({
    candidates,
    material,
    heldOut: { rows, outcomes: gatherRows(material.outcomes, material.heads.length, rows) },
    users: rows,
    day: null,
    forms: true,
    ...(goOn ? { goOn } : {}),
  });
}

/** A material with what scoring must know of how it came about. */
interface TableMaterial extends Material {
  readonly encoder: TableModelManifest['encoder'];
  readonly scale: Scale;
}

/** Some rows of the table to learn from, encoded and standardised by these rows alone. @param doing told with progress */
function materialOf(
  { manifest: { config }, progress, fits }: TrainContext,
  labelled: ReadTable,
  used: Int32Array,
  doing: string,
): TableMaterial {
  const { table, rowIds, texts } = labelled;
  const encoder = fitAttributes(besideTexts(table, texts), [...used]);
  const features = tableFeatures(table, encoder);
  const names = attributeNames(encoder);
  const width = names.length;
  // Attributes have been through the logarithm where they need it.
  const columns = fitColumns(features, width, used, { logarithms: false });
  const transform = fitInputs(features, width, used, columns);
  const kept = transform.kept.length;
  const inputs = new Float32Array(table.rows * kept);
  for (const row of used) writeInputs(features, row * width, transform, inputs, row * kept);
  const { heads, answers, scale, outcomes } = askedOf(labelled, used);
  return {
    encoder,
    scale,
    config,
    heads,
    ...(answers ? { answers } : {}),
    features,
    width,
    names,
    labels: outcomes,
    outcomes,
    unit: Float32Array.from(rowIds, (id) => stableUnit('fold', String(id))),
    used,
    weights: new Float32Array(used.length * heads.length).fill(1),
    inputs,
    transform,
    steps: config.training.steps,
    piecewise: true,
    ...(texts ? { rowTexts: texts } : {}),
    progress: (text) => progress(`${doing}: ${text}`),
    fits,
  };
}
