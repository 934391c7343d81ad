import { type Data, Field, Float64, makeData, Uint32, Utf8, vectorFromArray } from 'apache-arrow';
import { decodeArrow, encodeArrow, recordBatch } from '../data/index.ts';
import type { ShardScores } from '../models/index.ts';

/** The Arrow file of a shard's scores: `user`, `hash`, perhaps `email`, then `<task>.logit`, `.probability`, `.reasons` or `.list`. */
export function encodeScores(scores: ShardScores, metadata: Record<string, string>): Uint8Array {
  const rows = scores.users.length;
  const fields: Field[] = [];
  const columns: Data[] = [];
  const text = (name: string, values: (string | null)[]) => {
    fields.push(new Field(name, new Utf8(), true));
    columns.push(vectorFromArray(values, new Utf8()).data[0] ?? makeData({ type: new Utf8(), length: 0 }));
  };
  const number = (name: string, data: Float64Array) => {
    fields.push(new Field(name, new Float64(), true));
    columns.push(makeData({ type: new Float64(), length: rows, nullCount: 0, data }));
  };
  text('user', scores.users);
  fields.push(new Field('hash', new Uint32(), false));
  columns.push(makeData({ type: new Uint32(), length: rows, nullCount: 0, data: scores.hashes }));
  if (scores.emails) text('email', scores.emails);
  for (const [task, { logit, probability, reasons }] of Object.entries(scores.tasks)) {
    number(`${task}.logit`, logit);
    number(`${task}.probability`, probability);
    text(`${task}.reasons`, reasons);
  }
  for (const [task, list] of Object.entries(scores.lists)) text(`${task}.list`, list);
  return encodeArrow(fields, [recordBatch(fields, columns, rows)], metadata);
}

/**
 * Reads what encodeScores wrote.
 * @param name of the object, for errors
 * @throws DataError when the bytes are no Arrow file
 */
export function decodeScores(bytes: Uint8Array, name?: string): ShardScores {
  const { schema, batches } = decodeArrow(bytes, name);
  const batch = batches[0]!;
  const rows = batch.numRows;
  const texts = (name: string): (string | null)[] => Array.from(batch.getChild(name) ?? []);
  const numbers = (name: string) =>
    Float64Array.from({ length: rows }, (_, i) => batch.getChild(name)?.get(i));
  const named = (suffix: string) =>
    schema.fields
      .map((f) => f.name)
      .filter((n) => n.endsWith(suffix))
      .map((n) => n.slice(0, -suffix.length));
  return {
    users: texts('user').map((user) => user ?? ''),
    hashes: Uint32Array.from({ length: rows }, (_, i) => batch.getChild('hash')?.get(i)),
    tasks: Object.fromEntries(
      named('.logit').map((task) => [
        task,
        {
          logit: numbers(`${task}.logit`),
          probability: numbers(`${task}.probability`),
          reasons: texts(`${task}.reasons`),
        },
      ]),
    ),
    lists: Object.fromEntries(named('.list').map((task) => [task, texts(`${task}.list`)])),
    ...(schema.fields.some(({ name }) => name === 'email') ? { emails: texts('email') } : {}),
  };
}
