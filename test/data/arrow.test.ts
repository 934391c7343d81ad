import { Field, Float64, Int32, List, makeData, RecordBatch, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { DataError, decodeArrow, encodeArrow, openShardedFile, recordBatch } from '../../lib/data/index.ts';

/** A batch of every shape of column that files have: numbers, texts and lists, with and without empty values. */
function batchOf(rows: number): RecordBatch {
  const columns = {
    number: vectorFromArray(
      Array.from({ length: rows }, (_, i) => (i % 3 === 1 ? null : i / 7)),
      new Float64(),
    ),
    text: vectorFromArray(
      Array.from({ length: rows }, (_, i) => (i % 4 === 2 ? null : `sku ${i}`)),
      new Utf8(),
    ),
    nothing: vectorFromArray(
      Array.from({ length: rows }, () => null),
      new Utf8(),
    ),
    list: vectorFromArray(
      Array.from({ length: rows }, (_, i) => Array.from({ length: i % 3 }, (_, j) => i + j)),
      new List(new Field('item', new Int32(), false)),
    ),
  };
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, true));
  const children = Object.values(columns).map(({ data, type }) => data[0] ?? makeData({ type }));
  return recordBatch(fields, children, rows);
}

const values = (batches: readonly RecordBatch[]) =>
  batches.flatMap((batch) => batch.toArray().map((row) => JSON.stringify(row)));

const encoded = (batch: RecordBatch) => encodeArrow(batch.schema.fields, [batch]);

function source(bytes: Uint8Array) {
  return {
    name: 'days/a.arrow',
    // Larger than what is fetched whole, so that it is read in ranges.
    size: bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, end),
  };
}

describe('Arrow files', () => {
  it.each([0, 1, 7, 8, 9, 64, 100])('of %i rows are read as they were written', (rows) => {
    const batch = batchOf(rows);
    expect(values(decodeArrow(encoded(batch)).batches)).toEqual(values([batch]));
  });

  it('of a part of other rows, too', () => {
    // given: offsets that begin elsewhere, bits that begin within a byte
    const part = batchOf(100).slice(13, 57);
    const own = new RecordBatch(part.schema, part.data);
    // when / then
    expect(values(decodeArrow(encoded(own)).batches)).toEqual(values([own]));
  });

  it('with any bit flipped are read as they were written, or not at all', () => {
    // given
    const whole = encoded(batchOf(40));
    const rows = values(decodeArrow(whole).batches);
    const other: number[] = [];
    let told = 0;
    // when
    for (let at = 0; at < whole.length; at++) {
      const flipped = Uint8Array.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      try {
        const { schema, batches } = decodeArrow(flipped, 'x.arrow');
        // What a column is called and whether it may be empty is for who reads it.
        if (schema.fields.length === 4 && values(batches).join() !== rows.join()) other.push(at);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        told += 1;
      }
    }
    // then
    expect(other).toEqual([]);
    expect(told).toBeGreaterThan(whole.length / 2);
  });

  it('that are read in ranges, as well', async () => {
    // given: more than a megabyte
    const whole = encoded(batchOf(60_000));
    expect(whole.length).toBeGreaterThan(1 << 20);
    const file = await openShardedFile(source(whole));
    expect(await file.read(0, 4)).toHaveLength(1);
    // when
    const flipped = Uint8Array.from(whole);
    flipped[200_000]! ^= 4;
    // then
    const damaged = await openShardedFile(source(flipped));
    await expect(damaged.read(0, 4)).rejects.toThrow(/days\/a\.arrow is damaged/);
    // and: in what describes the batch, where a length without bound would be believed
    for (let at = 8; at < 600; at++) {
      const odd = Uint8Array.from(whole);
      odd[at]! ^= 1 << (at % 8);
      try {
        const [part] = await (await openShardedFile(source(odd))).read(0, 4);
        expect([part!.batch.numRows, part!.batch.numCols]).toEqual([60_000, 4]);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }
  });
});
