import { z } from 'zod';
import { canonicalJson, DataError } from '../../data/index.ts';
import type { Validation } from '../../engine/metrics/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { AttributeEncoder } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';

/** A task that cannot be trained yet, and why, in words for the shop. */
export interface LeftOut {
  readonly task: string;
  readonly why: string;
}

/** Parts that manifests of models share. What only the report shows is checked for its form alone. */

const record = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const curveSchema = z.array(
  z.custom<CurvePoint>((value) => record(value) && typeof value.step === 'number'),
);

/** How attributes become numbers, see `fitAttributes`. */
export const attributesSchema = z.custom<AttributeEncoder>(
  (value) =>
    record(value) &&
    value.format === 1 &&
    Array.isArray(value.columns) &&
    value.columns.every((column) => record(column) && typeof column.name === 'string'),
  'is no encoding of attributes',
);

/** What a model did on held-out data, by task. */
export const validationSchema = <A extends Validation<unknown>>() =>
  z.record(
    z.string(),
    z.custom<A>((value) => record(value) && record(value.assessment)),
  );

export const leftOutSchema = z.array(z.object({ task: z.string(), why: z.string() })) satisfies z.ZodType<
  LeftOut[]
>;

export const strengthsSchema = z.array(
  z.object({
    features: z.array(z.object({ name: z.string(), group: z.string(), strength: z.number() })),
    groups: z.array(z.object({ group: z.string(), share: z.number() })),
  }),
);

export const lossesSchema = z.array(z.object({ name: z.string(), loss: z.number() }));

/** The file that says what a model is, beside `model.onnx`. */
const FILE = 'manifest.json';

/** A manifest as a file of a model. */
export const manifestFile = (manifest: object): ModelFiles => ({
  [FILE]: new TextEncoder().encode(canonicalJson(manifest)),
});

/**
 * Reads the manifest of a model by its family's schema.
 * @throws DataError that names the first place which is not as it should be
 */
export function parseManifest<M>(schema: z.ZodType<M>, files: ModelFiles): M {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(files[FILE]));
  } catch {
    throw new DataError(`a model's ${FILE} is no JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new DataError(
    `a model's ${FILE} is not of the form of its kind (${path.join('.') || 'as a whole'}: ${message}): delete the model ` +
      'and its champion.json, and the next run trains it anew',
  );
}
