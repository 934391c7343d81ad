import { type DataType, type Field, makeBuilder, type RecordBatch } from 'apache-arrow';
import { decodeArrow, encodeArrow, RANGES, recordBatch } from './arrow.ts';
import { CHECKSUM } from './arrow-checksum.ts';

/** A row's texts by the name of their column. */
export type RowText = (column: string) => string | undefined;

/**
 * An Arrow file without some of its rows; the others keep their values and their order, batches their number.
 * @param name of the object, for errors
 * @param isGone is asked of each row
 * @returns the bytes, undefined where no row is gone
 * @throws DataError when the bytes are no whole Arrow file
 */
export function withoutRows(
  bytes: Uint8Array,
  name: string,
  isGone: (text: RowText) => boolean,
): { bytes: Uint8Array; rows: number } | undefined {
  const { schema, batches } = decodeArrow(bytes, name);
  let rows = 0;
  const kept = batches.map((batch) => {
    const left: number[] = [];
    const columns = new Map(batch.schema.fields.map(({ name: column }, i) => [column, batch.getChildAt(i)]));
    for (let row = 0; row < batch.numRows; row++) {
      const text: RowText = (column) => {
        const value: unknown = columns.get(column)?.get(row);
        return typeof value === 'string' ? value : undefined;
      };
      if (isGone(text)) rows += 1;
      else left.push(row);
    }
    return left.length === batch.numRows ? batch : taken(batch, left);
  });
  if (rows === 0) return undefined;
  const facts = [...schema.metadata].filter(([key]) => key !== RANGES && key !== CHECKSUM);
  return { bytes: encodeArrow(schema.fields, kept, Object.fromEntries(facts)), rows };
}

function taken(batch: RecordBatch, rows: readonly number[]): RecordBatch {
  const columns = batch.schema.fields.map((field: Field<DataType>, i) => {
    const values = batch.getChildAt(i)!;
    const builder = makeBuilder({ type: field.type, nullValues: [null, undefined] });
    for (const row of rows) builder.append(values.get(row));
    return builder.finish().flush();
  });
  return recordBatch(batch.schema.fields, columns, rows.length);
}
