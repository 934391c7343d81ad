import { Field, Float64, Int32, TimestampMillisecond, Utf8 } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { DataError, encodeArrow, recordBatch } from '../../lib/data/index.ts';
import {
  type AttributeTable,
  attributeNames,
  attributeWriter,
  fitAttributes,
  readAttributes,
  validRows,
} from '../../lib/features/index.ts';
import { withStore } from './shop.ts';

interface Row {
  readonly user: string;
  readonly from?: number;
  readonly age?: number;
  readonly spend?: number;
  readonly town?: string;
  readonly note?: string;
}

/** A clean users file as the clean stage writes it. */
function usersFile(rows: readonly Row[]): Uint8Array {
  const kind = (value: string) => new Map([['nightjar.kind', value]]);
  const fields = [
    new Field('user', new Utf8(), false),
    new Field('row_id', new Int32(), false),
    new Field('valid_from', new TimestampMillisecond('UTC'), true),
    new Field('age', new Float64(), true, kind('number')),
    new Field('spend', new Float64(), true, kind('number')),
    new Field('town', new Utf8(), true, kind('category')),
    new Field('note', new Utf8(), true, kind('text')),
    new Field('label', new Utf8(), true),
  ];
  const columns = [
    texts(rows.map(({ user }) => user)),
    { type: new Int32(), length: rows.length, nullCount: 0, data: Int32Array.from(rows, (_, i) => i) },
    nullable(
      new TimestampMillisecond('UTC'),
      rows.map(({ from }) => from),
      (v) => BigInt64Array.from(v, BigInt),
    ),
    nullable(
      new Float64(),
      rows.map(({ age }) => age),
      (v) => Float64Array.from(v),
    ),
    nullable(
      new Float64(),
      rows.map(({ spend }) => spend),
      (v) => Float64Array.from(v),
    ),
    texts(rows.map(({ town }) => town)),
    texts(rows.map(({ note }) => note)),
    texts(rows.map(({ age }) => (age === undefined ? undefined : String(age > 40)))),
  ];
  return encodeArrow(fields, [recordBatch(fields, columns, rows.length)]);
}

function bitmap(values: readonly unknown[]) {
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, i) => {
    if (value !== undefined) nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  return { nullBitmap, nullCount: values.filter((value) => value === undefined).length };
}

function texts(values: readonly (string | undefined)[]) {
  const valueOffsets = new Int32Array(values.length + 1);
  values.forEach((value, i) => {
    valueOffsets[i + 1] = valueOffsets[i]! + Buffer.byteLength(value ?? '');
  });
  const data = Buffer.from(values.join(''));
  return { type: new Utf8(), length: values.length, valueOffsets, data, ...bitmap(values) };
}

function nullable<T>(
  type: Float64 | TimestampMillisecond,
  values: readonly (number | undefined)[],
  make: (values: number[]) => T,
) {
  return { type, length: values.length, data: make(values.map((v) => v ?? 0)), ...bitmap(values) };
}

async function tableOf(...files: Row[][]): Promise<AttributeTable> {
  return withStore(async (store) => {
    const keys: string[] = [];
    for (const [i, rows] of files.entries()) {
      keys.push(`clean/users/drop${i}/r.arrow`);
      await store.put(keys[i]!, usersFile(rows));
    }
    return readAttributes(store, keys);
  });
}

function encoded(table: AttributeTable, train: AttributeTable, row: number): Map<string, number> {
  const rows = Array.from({ length: train.rows }, (_, i) => i);
  const encoder = fitAttributes(train, rows, { minCount: 2, textBuckets: 32 });
  const out = new Float32Array(attributeNames(encoder).length);
  attributeWriter(JSON.parse(JSON.stringify(encoder)), table).write(row, out);
  return new Map(attributeNames(encoder).map(({ name }, i) => [name, out[i]!]));
}

const PEOPLE: Row[] = Array.from({ length: 40 }, (_, i) => ({
  user: `user ${i}`,
  age: 20 + i,
  spend: i === 39 ? 100_000 : i,
  town: i < 20 ? 'Kiel' : i < 39 ? 'Köln' : 'Ulm',
  note: i % 2 === 0 ? 'Green tea, please' : 'no tea',
}));

describe('attributes', () => {
  it('are read with their kinds, nulls and labels, over several files', async () => {
    const table = await tableOf([{ user: 'ann', age: 50 }], [{ user: 'bob', town: 'Köln', from: 5 }]);
    expect(table.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['age', 'number'],
      ['spend', 'number'],
      ['town', 'category'],
      ['note', 'text'],
    ]);
    expect(table.ids).toEqual(['ann', 'bob']);
    expect([...table.columns[0]!.values]).toEqual([50, Number.NaN]);
    expect([...table.columns[2]!.values]).toEqual([undefined, 'Köln']);
    expect([...table.validFrom]).toEqual([Number.NEGATIVE_INFINITY, 5]);
    expect(table.labels).toEqual(['true', '']);
    expect([...table.rowIds]).toEqual([0, 0]);
  });

  it('hold from their valid_from on, never before', async () => {
    const ann = (from: number | undefined, age: number) => ({
      user: 'ann',
      age,
      ...(from === undefined ? {} : { from }),
    });
    const table = await tableOf([ann(10, 31), ann(undefined, 30), ann(20, 32)], [ann(10, 33)]);
    const ageAt = (before: number) => table.columns[0]!.values[validRows(table, before).get('ann')!];
    expect(ageAt(10)).toBe(30);
    expect(ageAt(11)).toBe(33);
    expect(ageAt(20)).toBe(33);
    expect(ageAt(21)).toBe(32);
  });

  it('become numbers by what the training rows say', async () => {
    // given training rows, and rows with values that training never saw
    const train = await tableOf(PEOPLE);
    const table = await tableOf([{ user: 'x', age: 99, spend: 50, town: 'Ulm', note: 'GREEN TEA please' }]);
    // when they are encoded
    const known = encoded(table, train, 0);
    const nothing = encoded(table, train, -1);
    // then a symmetric number stays, a heavy-tailed one is its logarithm, and what is missing is the median, flagged
    expect(known.get('age')).toBe(99);
    expect(known.get('age is missing')).toBe(0);
    expect(known.get('spend')).toBeCloseTo(Math.log1p(50), 6);
    expect(nothing.get('age')).toBe(39.5);
    expect(nothing.get('age is missing')).toBe(1);
    expect(nothing.get('spend')).toBeCloseTo((Math.log1p(19) + Math.log1p(20)) / 2, 6);
    // and a rare category is among the others, none is none
    const towns = (one: Map<string, number>) => [...one].filter(([name]) => name.startsWith('town'));
    expect(towns(known)).toEqual([
      ['town = Kiel', 0],
      ['town = Köln', 0],
      ['town = other', 1],
      ['town = none', 0],
    ]);
    expect(towns(nothing).at(-1)).toEqual(['town = none', 1]);
    // and a text is the same whatever its case and punctuation, of length 1
    const words = (one: Map<string, number>) =>
      [...one].filter(([name]) => name.startsWith('note')).map(([, value]) => value);
    expect(words(known)).toEqual(words(encoded(train, train, 0)));
    expect(Math.hypot(...words(known))).toBeCloseTo(1, 6);
    expect(words(known)).not.toEqual(words(encoded(train, train, 1)));
    expect(words(nothing).every((value) => value === 0)).toBe(true);
  });

  it('read characters and their neighbours where training texts have no spaces between words', async () => {
    // given: people whose notes are Chinese; two of them share a few characters
    const notes = ['这条裙子太小了', '这件衬衫太小了', '很漂亮'];
    const table = await tableOf(notes.map((note, i) => ({ ...PEOPLE[i]!, note })));
    const encoder = fitAttributes(table, [0, 1, 2]);
    // when
    const writer = attributeWriter(encoder, table);
    const words = notes.map((_, row) => {
      const out = new Float32Array(writer.length);
      writer.write(row, out);
      return out.slice(-512);
    });
    const alike = (a: number, b: number) => words[a]!.reduce((sum, x, i) => sum + x * words[b]![i]!, 0);
    // then
    expect(encoder.columns.at(-1)).toEqual({ name: 'note', kind: 'text', buckets: 512, characters: 3 });
    expect(alike(0, 1)).toBeGreaterThan(0.3);
    expect(alike(0, 2)).toBeLessThan(0.2);
    // and other scripts are read as they were
    expect(fitAttributes(await tableOf(PEOPLE), [0]).columns.at(-1)).toEqual({
      name: 'note',
      kind: 'text',
      buckets: 256,
    });
  });

  it('learn nothing from rows outside the training part', async () => {
    // given the same training rows, with and without others beside them
    const others = PEOPLE.map((row) => ({ ...row, age: 1e9, town: 'Mars' }));
    const rows = PEOPLE.map((_, i) => i);
    // when both are fitted on the training rows
    const alone = fitAttributes(await tableOf(PEOPLE), rows);
    const beside = fitAttributes(await tableOf(PEOPLE, others), rows);
    // then the encoders are the same
    expect(beside).toEqual(alone);
  });

  it('have a group of their own, or one for all', async () => {
    const encoder = fitAttributes(await tableOf(PEOPLE), [0, 1], { textBuckets: 1 });
    expect(new Set(attributeNames(encoder).map(({ group }) => group))).toEqual(
      new Set(['age', 'spend', 'town', 'note']),
    );
    expect(attributeNames(encoder, 'profile').every(({ group }) => group === 'profile')).toBe(true);
  });

  it('of another shape are refused', async () => {
    const table = await tableOf(PEOPLE);
    const encoder = fitAttributes(table, [0]);
    const without = { ...table, columns: table.columns.filter(({ name }) => name !== 'town') };
    expect(() => attributeWriter(encoder, without)).toThrow(DataError);
    const none = { ...table, rows: 0, columns: [] };
    const out = new Float32Array(attributeNames(encoder).length);
    attributeWriter(encoder, none).write(-1, out);
    expect(out.filter((value) => value === 1)).toHaveLength(3);
  });
});
