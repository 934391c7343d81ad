import {
  type Data,
  Field,
  Float32,
  Float64,
  Int32,
  List,
  makeData,
  type RecordBatch,
  Utf8,
} from 'apache-arrow';
import { DataError, decodeArrow, type EventType, encodeArrow, recordBatch } from '../../data/index.ts';
import { type Neighbours, noNeighbours } from './co-occurrence.ts';
import { DIMENSIONS } from './embedding.ts';
import type { ItemTable } from './item-table.ts';
import { hasLead } from './others.ts';

const STATISTICS = ['last7', 'last30', 'last90', 'decayed', 'lines', 'users', 'repeaters', 'age'] as const;
const ints = (name: string) => new Field(name, new List(new Field('item', new Int32(), false)), false);
const floats = (name: string) => new Field(name, new List(new Field('item', new Float32(), false)), false);
const numbers = (name: string) => new Field(name, new Float64(), false);
const OTHER_STATISTICS = ['users', 'recent', 'short'] as const;

interface NamedColumn {
  readonly field: Field;
  readonly column: Data;
}

/** The table as an Arrow file, one row per unit; neighbours are row numbers. */
export function encodeItemTable(table: ItemTable): Uint8Array {
  const n = table.names.length;
  const number = (name: string, data: Float64Array): NamedColumn => ({
    field: numbers(name),
    column: makeData({ type: new Float64(), length: n, nullCount: 0, data }),
  });
  const list = (field: Field, offsets: Int32Array, values: Int32Array | Float32Array): NamedColumn => {
    const child =
      values instanceof Int32Array
        ? makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values })
        : makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
    // Each column needs offsets of its own: Arrow's writer joins neighbouring chunks of one buffer.
    const valueOffsets = offsets.slice();
    return {
      field,
      column: makeData({ type: field.type as List, length: n, nullCount: 0, valueOffsets, child }),
    };
  };
  const neighbours = (prefix: string, { start, unit, similarity }: Neighbours) => [
    list(ints(`${prefix}_neighbours`), start, unit),
    list(floats(`${prefix}_similarity`), start, similarity),
  ];
  const others = table.others.map(({ type }) => type);
  const columns: NamedColumn[] = [
    { field: new Field('unit', new Utf8(), false), column: makeData(textColumn(table.names)) },
    ...STATISTICS.map((name) => number(name, table[name])),
    ...neighbours('user', table.byUser),
    ...neighbours('basket', table.byBasket),
    list(
      floats('embedding'),
      Int32Array.from({ length: n + 1 }, (_, i) => i * DIMENSIONS),
      table.embedding,
    ),
    ...table.others.flatMap((other) =>
      OTHER_STATISTICS.map((name) => number(`${other.type}_${name}`, other[name])),
    ),
    ...(hasLead(others) ? neighbours('together', table.together) : []),
  ];
  const fields = columns.map(({ field }) => field);
  const batch = recordBatch(
    fields,
    columns.map(({ column }) => column),
    n,
  );
  return encodeArrow(fields, [batch], {
    day: String(table.day),
    ...(others.length > 0 ? { others: others.join(',') } : {}),
  });
}

/** Reads what `encodeItemTable` wrote. @throws DataError when the bytes are of another shape */
export function decodeItemTable(bytes: Uint8Array, name: string): ItemTable {
  const batch = decodeArrow(bytes, name).batches[0];
  const day = Number(batch?.schema.metadata.get('day') ?? Number.NaN);
  if (!batch || Number.isNaN(day))
    throw new DataError(`${name} is no item table: delete it, and it is built anew`);
  const column = (field: string) => dataOf(batch, field, name);
  const statistics = (field: string) => (column(field).values as Float64Array).slice(0, batch.numRows);
  const list = (field: string) => {
    const { valueOffsets, children } = column(field);
    // Buffers in a file are padded.
    const offsets = valueOffsets.slice(0, batch.numRows + 1);
    const values = (children[0]!.values as Int32Array | Float32Array).subarray(0, children[0]!.length);
    return { offsets, values };
  };
  const neighbours = (prefix: string): Neighbours => {
    const { offsets, values } = list(`${prefix}_neighbours`);
    return {
      start: offsets,
      unit: Int32Array.from(values),
      similarity: Float32Array.from(list(`${prefix}_similarity`).values),
    };
  };
  const others = (batch.schema.metadata.get('others') ?? '')
    .split(',')
    .filter((type) => type !== '') as EventType[];
  return {
    day,
    names: Array.from(batch.getChild('unit') ?? []),
    last7: statistics('last7'),
    last30: statistics('last30'),
    last90: statistics('last90'),
    decayed: statistics('decayed'),
    lines: statistics('lines'),
    users: statistics('users'),
    repeaters: statistics('repeaters'),
    age: statistics('age'),
    byUser: neighbours('user'),
    byBasket: neighbours('basket'),
    embedding: Float32Array.from(list('embedding').values),
    others: others.map((type) => ({
      type,
      users: statistics(`${type}_users`),
      recent: statistics(`${type}_recent`),
      short: statistics(`${type}_short`),
    })),
    together: hasLead(others) ? neighbours('together') : noNeighbours(batch.numRows),
  };
}

function textColumn(names: readonly string[]) {
  const parts = names.map((name) => Buffer.from(name));
  const offsets = new Int32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i]! + part.length;
  });
  const data = Buffer.concat(parts);
  return { type: new Utf8(), length: parts.length, nullCount: 0, valueOffsets: offsets, data };
}

function dataOf(batch: RecordBatch, field: string, name: string) {
  const index = batch.schema.fields.findIndex((f) => f.name === field);
  const data = batch.data.children[index];
  if (!data) throw new DataError(`${name} has no column "${field}": delete it, and it is built anew`);
  return data;
}
