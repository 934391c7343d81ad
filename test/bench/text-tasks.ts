import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type {
  OwnEncoderOptions,
  PretrainTextOptions,
  TextClassifierOptions,
} from '../../lib/engine/text/index.ts';

export interface Labelled {
  readonly texts: string[];
  readonly labels: string[];
}

/** A text task with how an encoder is made for it and fine-tuned. */
export interface TextTask {
  readonly name: string;
  readonly train: Labelled;
  readonly test: Labelled;
  readonly encoder: OwnEncoderOptions;
  readonly pretraining: PretrainTextOptions;
  readonly classifier: TextClassifierOptions;
}

/** A part of support-intents: 'train', 'dev' or 'test'. */
export async function readLabelled(folder: string, part: string): Promise<Labelled> {
  const rows = await readCsv(join(folder, `${part}.csv.gz`), ['utterance', 'intent']);
  return { texts: rows.map(([text]) => text!), labels: rows.map(([, label]) => label!) };
}

/** Utterances of customers and what they want: the given training and test files. */
export async function supportIntents(folder: string): Promise<TextTask> {
  return {
    name: 'support-intents',
    train: await readLabelled(folder, 'train'),
    test: await readLabelled(folder, 'test'),
    encoder: { vocabulary: 3000, layers: 3, width: 128, heads: 4, maxLength: 48 },
    pretraining: { epochs: 30, tokensPerBatch: 2048, learningRate: 1e-3 },
    classifier: {
      epochs: 4,
      tokensPerBatch: 1024,
      learningRate: 1e-3,
      ngrams: { buckets: 65_521 },
      typos: { copies: 1 },
      refit: false,
    },
  };
}

/** Whether a garment is recommended, told from title and text of a review; the test rows are those with crc32(row) mod 5 = 0. */
export async function clothingReviews(folder: string): Promise<TextTask> {
  const rows = await readCsv(join(folder, 'reviews.csv.gz'), ['Title', 'Review Text', 'Recommended IND']);
  const part = (test: boolean): Labelled => {
    const own = rows.filter((_, row) => (crc32(String(row)) % 5 === 0) === test);
    return {
      texts: own.map(([title, text]) => `${title} [SEP] ${text}`),
      labels: own.map(([, , label]) => label!),
    };
  };
  return {
    name: 'clothing-reviews',
    train: part(false),
    test: part(true),
    encoder: { vocabulary: 5000, layers: 2, width: 96, heads: 4, hidden: 192, maxLength: 96 },
    pretraining: { epochs: 6, tokensPerBatch: 4096, learningRate: 2e-3 },
    classifier: { epochs: 2, tokensPerBatch: 4096, learningRate: 1e-3, ngrams: {}, ema: 0.995, refit: false },
  };
}

/** Columns of a csv file as text, in its order; empty cells are empty texts. */
async function readCsv(path: string, columns: readonly string[]): Promise<string[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const listed = columns.map((name) => `coalesce("${name}", '')`).join(', ');
    const result = await connection.runAndReadAll(
      `SELECT ${listed} FROM read_csv('${path.replaceAll("'", "''")}', header = true, all_varchar = true)`,
    );
    return result.getRows().map((row) => row.map(String));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
