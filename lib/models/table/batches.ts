import { type Feeds, float32 } from '../../engine/host/index.ts';
import type { Graph } from '../../engine/onnx/index.ts';
import { encoderFeeds, padRows, roundedLength, type TextTokenizer } from '../../engine/text/index.ts';

/** Rows of a batch at most where tokens are read, of which a row has many. */
const TEXTS_BATCH = 32;

/** Encoded rows, and what else is read of them. */
export interface RowsToRead {
  /** (rows, width). */
  readonly features: Float32Array;
  readonly width: number;
  /** Row numbers, in the order in which they are told. */
  readonly order: readonly number[];
  /** Rows of every batch; the last one is filled up. */
  readonly size: number;
  readonly reading?: TokenReading | undefined;
}

/** What a model reads of the rows' texts. */
export interface TokenReading {
  readonly graph: Pick<Graph, 'inputs'>;
  readonly tokenizer: TextTokenizer;
  readonly maxLength: number;
  /** By row. */
  readonly texts: readonly string[];
}

export interface TableBatch {
  /** Places in the order of rows. */
  readonly places: Int32Array;
  readonly feeds: Feeds;
}

/**
 * The rows of a table in batches of one size. With texts, rows of about one length stand together: what is said of a row
 * depends on its own length, and on no other row's.
 */
export function* tableBatches({
  features,
  width,
  order,
  size: most,
  reading,
}: RowsToRead): Generator<TableBatch> {
  const size = reading ? Math.min(TEXTS_BATCH, most) : most;
  const rowsOf = (places: Int32Array) => Int32Array.from(places, (place) => order[place]!);
  const features32 = (places: Int32Array): Feeds => {
    const batch = new Float32Array(size * width);
    rowsOf(places).forEach((row, b) => {
      batch.set(features.subarray(row * width, (row + 1) * width), b * width);
    });
    return { features: float32(batch, [size, width]) };
  };
  if (!reading) {
    for (let start = 0; start < order.length; start += size) {
      const places = Int32Array.from({ length: Math.min(size, order.length - start) }, (_, b) => start + b);
      yield { places, feeds: features32(places) };
    }
    return;
  }
  const { graph, tokenizer, maxLength } = reading;
  const tokens = tokenizer.tokenize(
    order.map((row) => reading.texts[row]!),
    { maxLength },
  );
  const byLength = new Map<number, number[]>();
  order.forEach((_, place) => {
    const length = Math.min(maxLength, roundedLength(tokens.offsets[place + 1]! - tokens.offsets[place]!));
    const own = byLength.get(length);
    if (own) own.push(place);
    else byLength.set(length, [place]);
  });
  const readsFeatures = graph.inputs.some(({ name }) => name === 'features');
  for (const [length, own] of [...byLength].sort(([a], [b]) => a - b)) {
    for (let start = 0; start < own.length; start += size) {
      const places = Int32Array.from(own.slice(start, start + size));
      const filled = Int32Array.from({ length: size }, (_, b) => places[Math.min(b, places.length - 1)]!);
      yield {
        places,
        feeds: {
          ...(readsFeatures ? features32(places) : {}),
          ...encoderFeeds(graph, padRows(tokens, filled, length, tokenizer.padId)),
        },
      };
    }
  }
}
