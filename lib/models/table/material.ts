import { stableUnit } from '../../data/index.ts';
import { attributeNames, fitAttributes } from '../../features/index.ts';
import { fitColumns, fitInputs, type Material, writeInputs } from '../candidates/index.ts';
import type { TrainContext } from '../family.ts';
import { askedOf, type Scale } from './asked.ts';
import { type LabelledTable, tableFeatures } from './labelled.ts';
import type { TableModelManifest } from './manifest.ts';
import { besideTexts, type TableTexts } from './texts.ts';

/** A material with what scoring must know of how it came about. */
export interface TableMaterial extends Material {
  readonly encoder: TableModelManifest['encoder'];
  readonly scale: Scale;
}

/** A table with its texts, where they are read by an encoder. */
export type ReadTable = LabelledTable & { readonly texts?: TableTexts | undefined };

/** Some rows of the table to learn from, encoded and standardised by these rows alone. @param doing told with progress */
export function materialOf(
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
