import { z } from 'zod';
import { canonicalJson, DataError } from '../../../../data/index.ts';
import { decodeSafetensors, encodeSafetensors, float32 } from '../../../../engine/host/index.ts';
import type { CurvePoint } from '../../../../engine/train/index.ts';
import type { ModelFiles } from '../../../../registry/index.ts';
import type { BroughtEncoder } from '../../material.ts';
import type { ParameterValues } from '../parameters.ts';
import { SEQUENCE_READERS, type SequenceReader } from './encode.ts';
import { pretrainedShapes } from './pretrain.ts';
import { sharedVocabulary, VISITS_VERSION, visitTableSize } from './visit-ids.ts';

/** What is written, and what must lie in a folder that is brought. */
const ABOUT = 'behaviour.json';
const PARAMETERS = 'encoder.safetensors';

/** Any shop's vocabulary, without what is its own. */
export const ANY_SHOP = sharedVocabulary({ items: [], spendEdges: [] });

/** How an encoder of visits is made. */
export interface BehaviourShape {
  readonly reader: SequenceReader;
  readonly width: number;
  readonly layers: number;
  /** Of the Transformer. */
  readonly heads: number;
}

/** What an encoder was made from. */
export interface BehaviourSource {
  readonly shop: string;
  /** Only events before this shop midnight were read, 'YYYY-MM-DD'. */
  readonly asOf: string;
  readonly users: number;
  /** Of these users, each counted once. */
  readonly visits: number;
  /** Types of event that it has seen. */
  readonly events: readonly string[];
}

const whole = z.number().int();
const behaviour = z.strictObject({
  kind: z.literal('behaviour'),
  /** What ids of visits mean. */
  visits: whole,
  items: z.literal('popularity in classes'),
  shape: z.strictObject({
    reader: z.enum(SEQUENCE_READERS),
    width: whole.positive(),
    layers: whole.positive(),
    heads: whole.positive(),
    ids: whole.positive(),
  }),
  madeFrom: z.strictObject({
    shop: z.string(),
    asOf: z.string(),
    users: whole,
    visits: whole,
    events: z.array(z.string()),
  }),
  steps: whole,
  curve: z.array(z.strictObject({ step: whole, loss: z.number() })),
});

/** How rows of an embedding table and the shape of the encoder go together. */
export const visitShapeOf = (shape: BehaviourShape) => ({ ...shape, ids: visitTableSize(ANY_SHOP) });

/** The files of an encoder: no id and no item of the shop is in them. */
export function encodeBehaviour(
  shape: BehaviourShape,
  parameters: ParameterValues,
  { curve, steps, ...madeFrom }: BehaviourSource & { curve: readonly CurvePoint[]; steps: number },
): ModelFiles {
  const about: z.input<typeof behaviour> = {
    kind: 'behaviour',
    visits: VISITS_VERSION,
    items: 'popularity in classes',
    shape: visitShapeOf(shape),
    madeFrom: { ...madeFrom, events: [...madeFrom.events] },
    steps,
    curve: curve.map(({ step, trainLoss }) => ({ step, loss: trainLoss })),
  };
  const tensors = pretrainedShapes(ANY_SHOP, visitShapeOf(shape)).map(
    ({ name, shape: dims }) => [name, float32(parameters[name]!, [...dims])] as const,
  );
  return {
    [ABOUT]: new TextEncoder().encode(canonicalJson(about)),
    [PARAMETERS]: encodeSafetensors(Object.fromEntries(tensors)),
  };
}

/**
 * Reads an encoder's files.
 * @param file the bytes of one by its name @param where the folder, for errors
 * @throws DataError when they are no encoder of behaviour, of another version, or do not fit one another
 */
export async function decodeBehaviour(
  file: (name: string) => Promise<Uint8Array>,
  where: string,
): Promise<BroughtEncoder> {
  const { shape } = parseAbout(await file(ABOUT), `${where}${ABOUT}`);
  const ids = visitTableSize(ANY_SHOP);
  const at = `${where}${PARAMETERS}`;
  if (shape.reader === 'transformer' && shape.width % shape.heads !== 0) {
    throw unusable(`${where}${ABOUT}`, `width ${shape.width} is no multiple of heads, ${shape.heads}`);
  }
  if (shape.ids !== ids)
    throw unusable(`${where}${ABOUT}`, `its table has ${shape.ids} ids, and ${ids} are expected`);
  const tensors = tensorsOf(await file(PARAMETERS), at);
  const parameters: Record<string, Float32Array> = {};
  for (const { name, shape: dims } of pretrainedShapes(ANY_SHOP, shape)) {
    const tensor = tensors[name];
    if (!tensor) throw unusable(at, `the tensor ${name} is missing`);
    const told = `[${dims.join(', ')}]`;
    if (tensor.type !== 'float32' || `[${tensor.shape.join(', ')}]` !== told) {
      throw unusable(
        at,
        `the tensor ${name} is ${tensor.type} [${tensor.shape.join(', ')}], and float32 ${told} is expected`,
      );
    }
    const data = tensor.data as Float32Array;
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw unusable(at, `the tensor ${name} holds ${data[wrong]} at place ${wrong}`);
    parameters[name] = data;
  }
  const unknown = Object.keys(tensors).find((name) => !(name in parameters));
  if (unknown !== undefined) throw unusable(at, `it has a tensor ${unknown}, which no such encoder has`);
  return { shape, parameters };
}

function parseAbout(bytes: Uint8Array, at: string): z.output<typeof behaviour> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw unusable(at, 'it is no JSON');
  }
  const parsed = behaviour.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw unusable(at, `${path.join('.') || 'as a whole'}: ${message}`);
  }
  const { visits } = parsed.data;
  if (visits !== VISITS_VERSION) {
    throw unusable(at, `its visits are of version ${visits}, and this version reads ${VISITS_VERSION}`);
  }
  return parsed.data;
}

function tensorsOf(bytes: Uint8Array, at: string) {
  try {
    return decodeSafetensors(bytes).tensors;
  } catch (cause) {
    throw unusable(at, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const unusable = (at: string, why: string, cause?: unknown): DataError =>
  new DataError(
    `${at} is not what \`nightjar pretrain --behaviour\` writes: ${why}; copy its whole folder there, or pretrain anew`,
    { cause },
  );
