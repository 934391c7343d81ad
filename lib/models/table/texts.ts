import { contentId, DataError } from '../../data/index.ts';
import { type TextTokenizer, textAxes } from '../../engine/text/index.ts';
import type { AttributeColumn, AttributeTable } from '../../features/index.ts';
import type { Candidate, RowTexts } from '../candidates/index.ts';
import type { TrainContext } from '../family.ts';
import { makeEncoder, readEncoder } from '../shared/index.ts';
import type { LabelledTable } from './labelled.ts';
import { sizesFor } from './text-sizes.ts';

/** Word pieces that are read where an encoder is brought. */
const BROUGHT_LENGTH = 128;

/** A table's texts where an encoder reads them. */
export interface TableTexts extends RowTexts {
  /** Names of the attributes, in their order. */
  readonly attributes: readonly string[];
  /** Does nothing else tell the rows apart? */
  readonly alone: boolean;
}

/** What the other models read of a table: hashed words say what the encoder reads better, so only a table that has nothing else keeps them. */
export const besideTexts = (table: AttributeTable, texts: TableTexts | undefined): AttributeTable =>
  texts && !texts.alone ? { ...table, columns: table.columns.filter(({ kind }) => kind !== 'text') } : table;

/** Those of the candidates that have something to read: where there is nothing but texts, those that read them by an encoder. */
export const readersOf = (candidates: readonly Candidate[], texts: TableTexts | undefined): Candidate[] =>
  candidates.filter(({ reads }) => !texts?.alone || reads.some((read) => read.startsWith('texts')));

/** Do rows differ in a column that is no text? */
function tellsApart(column: AttributeColumn, rows: Int32Array): boolean {
  if (column.kind === 'text') return false;
  const { values } = column;
  return rows.some((row) => !Object.is(values[row], values[rows[0]!]));
}

/**
 * The texts of each row as one: its attributes in order, told apart by what the tokenizer puts between two parts.
 * @param names of the attributes; those that the table lacks are empty
 */
export function joinedTexts(
  { columns, rows }: AttributeTable,
  names: readonly string[],
  tokenizer: Pick<TextTokenizer, 'suffix' | 'token'>,
): string[] {
  const between = ` ${tokenizer.suffix.map((id) => tokenizer.token(id)).at(0) ?? ''} `;
  const each = names.map((name) => columns.find((column) => column.name === name && column.kind === 'text'));
  return Array.from({ length: rows }, (_, row) => {
    const parts = each.map((column) => String(column?.values[row] ?? '').trim());
    return parts.every((part) => part === '') ? '' : parts.join(between);
  });
}

/**
 * The texts of a table with the encoder that reads them: one that the shop has brought, or one that is made from the texts of some
 * of the training rows. It is made once: rows that are held out never teach it, and what is fitted in the end goes on from it.
 * @param learnt rows that an encoder may be made from
 * @returns undefined where no text is to be read
 * @throws DataError when the encoder that is named cannot be used
 */
export async function readRowTexts(
  { store, manifest: { config }, progress, fits }: TrainContext,
  { table, answers }: Pick<LabelledTable, 'table' | 'answers'>,
  learnt: Int32Array,
): Promise<TableTexts | undefined> {
  const attributes = table.columns.flatMap(({ name, kind }) => (kind === 'text' ? [name] : []));
  const { text, model, training } = config;
  const answered = answers === 'yes-no' || answers === 'one-of';
  if (!text || attributes.length === 0 || !answered) return undefined;
  const shared = { attributes, alone: !table.columns.some((column) => tellsApart(column, learnt)) };
  if (typeof text.encoder === 'string') {
    const { encoder, files } = await readEncoder(store, text.encoder);
    const { batch, sequence } = textAxes(encoder.graph);
    if (typeof batch === 'number' || typeof sequence === 'number') {
      throw new DataError(
        `text.encoder "${text.encoder}" was exported for ${batch} texts of ${sequence} tokens: export it with open axes`,
      );
    }
    const maxLength = Math.min(text.maxLength ?? BROUGHT_LENGTH, encoder.maxLength);
    const texts = joinedTexts(table, attributes, encoder.tokenizer);
    const id = contentId({
      name: text.encoder,
      size: encoder.graph.parameters.map(({ name, shape }) => [name, shape]),
    });
    return {
      ...shared,
      texts,
      encoder,
      id,
      brought: true,
      characters: false,
      maxLength,
      files,
      pretraining: [],
    };
  }
  // A tokenizer that is made here ends a text with [SEP].
  const texts = joinedTexts(table, attributes, { suffix: [0], token: () => '[SEP]' });
  const known = [...new Set(Array.from(learnt, (row) => texts[row]!))].filter((one) => one !== '').sort();
  if (known.length < 2) return undefined;
  const { characters, ...sizes } = sizesFor(known, text.encoder, text.maxLength);
  const made = await makeEncoder(sizes, known, {
    seed: model.seed,
    threads: training.threads,
    progress,
    fits,
  });
  return {
    ...shared,
    texts,
    encoder: made.encoder,
    id: contentId({ sizes, seed: model.seed, known }),
    brought: false,
    characters,
    maxLength: made.encoder.maxLength,
    files: made.files,
    pretraining: made.curve,
  };
}
