import { TrainError } from '../../../../engine/host/index.ts';
import type { TextMaterial } from '../../material.ts';
import { pickTexts, textFeeds, vectorStatistics } from '../texts/feeds.ts';
import { readTexts, TEXT_FIELDS, TEXT_VECTORS, type TextShape } from '../texts/read.ts';
import type { Branch } from './branch.ts';
import type { BranchKind } from './kind.ts';

const NAME = 'text';

export interface TextsBranch extends Branch {
  readonly shape: TextShape;
}

/**
 * What attention finds in a row's recent texts, see `readTexts`. Inputs: `texts` (rows, places, TEXT_FIELDS) int32 and,
 * unless an encoder before it makes them, `text.vectors` (texts, vector).
 */
export function textsBranch(shape: TextShape): TextsBranch {
  const { places, vector, width } = shape;
  const branch: TextsBranch = {
    name: NAME,
    shape,
    group: 'texts',
    perOutput: [`${NAME}.head`],
    tables: [],
    masks: [{ name: `dropout.${NAME}`, shape: [width] }],
    logits({ layers, outputs, known, mask, made }) {
      const { g } = layers;
      const texts = g.input('texts', 'int32', ['batch', places, TEXT_FIELDS]);
      const vectors = made(TEXT_VECTORS) ?? g.input(TEXT_VECTORS, 'float32', ['texts', vector]);
      return readTexts(layers, vectors, texts, known, shape, outputs, mask(`dropout.${NAME}`));
    },
    sizes: (batch) => ({ texts: batch * places }),
    feeds({ texts }, at, fixed) {
      if (!texts) throw new TrainError('a model that reads texts needs rows with texts');
      const size = fixed ? at.length * places : undefined;
      return textFeeds(shape, pickTexts(shape, texts.texts, at), texts.vectors, size);
    },
    content: ({ texts }) => [texts!.texts, texts!.vectors],
    open: () => branch,
  };
  return branch;
}

/** The branch over texts of a network that has one. */
export const textsOf = (branches: readonly Branch[]): TextsBranch | undefined =>
  branches.find((branch): branch is TextsBranch => branch.name === NAME);

export const texts: BranchKind = {
  name: NAME,
  reads: 'texts',
  // It begins untrained: it takes more steps than a pretrained branch, at the full rate.
  joins: { steps: 0.5, rate: 1 },
  applies: ({ texts }) => texts !== undefined,
  async grow({ config, texts, used }) {
    const { width, heads } = config.model;
    const { rows, vectors, graph } = texts!;
    const shape = { ...standards(texts!, used), width, heads, places: texts!.places, kinds: texts!.kinds };
    return {
      kind: NAME,
      branch: textsBranch(shape),
      rows: { texts: { texts: rows, vectors } },
      encoder: graph,
    };
  },
};

/** Vectors are standardised by the texts of the rows that are learnt from alone. */
function standards({ rows, places, vectors, width: vector }: TextMaterial, used: Int32Array) {
  const stride = places * TEXT_FIELDS;
  const named = new Set<number>();
  for (const row of used) {
    for (let at = row * stride; at < (row + 1) * stride; at += TEXT_FIELDS) {
      if (rows[at]! > 0) named.add(rows[at]! - 1);
    }
  }
  const own = new Float32Array(named.size * vector);
  [...named].forEach((number, i) => {
    own.set(vectors.subarray(number * vector, (number + 1) * vector), i * vector);
  });
  return { vector, ...vectorStatistics(own, vector) };
}
