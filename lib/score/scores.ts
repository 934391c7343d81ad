import { type Data, Field, Float64, makeData, Uint32, Utf8, vectorFromArray } from 'apache-arrow';
import { decodeArrow, encodeArrow, recordBatch } from '../data/index.ts';
import type { ShardScores, TaskForecasts } from '../models/index.ts';
import {
  type ClassColumns,
  classScores,
  type NumberColumns,
  readLabels,
  writeLabels,
} from './label-columns.ts';
import { type TextColumn, textColumn, textsOf } from './text-column.ts';

/** Numbers of a value task. */
const AMOUNTS = ['value', 'low', 'high', 'alive', 'next'] as const;
/** Numbers of an uplift task. */
const EFFECTS = ['uplift', 'control', 'treated'] as const;

/** The Arrow file of a shard's scores: `user`, `hash`, perhaps `email`, or `sender` and `arrived` of rows without a label, then `<task>.logit`, `.probability`, `.reasons`, or `.list`, perhaps `.listReasons`, or `.value`, `.low`, `.high`, `.alive`, `.next`, `.reasons`, or `.uplift`, `.control`, `.treated`, `.reasons`; `<audience>.audience`; of items `.units`, `.low`, `.high`, `.stockout`; of a table's classes and numbers see `label-columns.ts`. */
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
  if (scores.arrived) {
    text('sender', [...scores.arrived.senders]);
    number('arrived', scores.arrived.times);
  }
  for (const [task, { logit, probability, reasons }] of Object.entries(scores.tasks)) {
    number(`${task}.logit`, logit);
    number(`${task}.probability`, probability);
    text(`${task}.reasons`, reasons);
  }
  for (const [task, list] of Object.entries(scores.lists)) text(`${task}.list`, list);
  for (const [task, reasons] of Object.entries(scores.listReasons ?? {}))
    text(`${task}.listReasons`, reasons);
  for (const [task, own] of Object.entries(scores.values)) {
    for (const name of AMOUNTS) number(`${task}.${name}`, own[name]);
    text(`${task}.reasons`, own.reasons);
  }
  for (const [task, own] of Object.entries(scores.uplifts ?? {})) {
    for (const name of EFFECTS) number(`${task}.${name}`, own[name]);
    text(`${task}.reasons`, own.reasons);
  }
  for (const [name, chances] of Object.entries(scores.audiences ?? {})) number(`${name}.audience`, chances);
  for (const [task, forecast] of Object.entries(scores.forecasts ?? {})) {
    for (const part of FORECAST) number(`${task}.${part}`, forecast[part]);
  }
  const told = writeLabels(scores, { number, text });
  return encodeArrow(fields, [recordBatch(fields, columns, rows)], { ...metadata, ...told });
}

/** Of the file's metadata: what the shard's users did on the last days, as `DayTotals` writes it. */
export const DAYS_KEY = 'days';

const FORECAST = ['units', 'low', 'high', 'stockout'] as const;

/** A shard's scores without a JavaScript value for each cell; rows and columns as in `ShardScores`. */
export interface ScoreColumns {
  readonly rows: number;
  /** What its users did on the last days, as `DayTotals` writes it; absent where no user was scored. */
  readonly days?: string;
  readonly users: TextColumn;
  readonly hashes: Uint32Array;
  readonly emails?: TextColumn;
  readonly arrived?: { readonly senders: TextColumn; readonly times: Float64Array };
  readonly tasks: Readonly<Record<string, TaskColumns>>;
  readonly lists: Readonly<Record<string, TextColumn>>;
  /** Of the list tasks whose entries have reasons. */
  readonly listReasons: Readonly<Record<string, TextColumn>>;
  readonly values: Readonly<Record<string, ValueColumns>>;
  readonly uplifts: Readonly<Record<string, UpliftColumns>>;
  /** As in `Answers`. */
  readonly audiences: Readonly<Record<string, Float64Array>>;
  readonly forecasts: Readonly<Record<string, TaskForecasts>>;
  readonly classes: Readonly<Record<string, ClassColumns>>;
  readonly numbers: Readonly<Record<string, NumberColumns>>;
}

/** As `UpliftScores`. */
type UpliftColumns = Readonly<Record<(typeof EFFECTS)[number], Float64Array>> & {
  readonly reasons: TextColumn;
};

/** As `ValueScores`. */
type ValueColumns = Readonly<Record<(typeof AMOUNTS)[number], Float64Array>> & {
  readonly reasons: TextColumn;
};

interface TaskColumns {
  /** NaN where the user is not asked. */
  readonly logit: Float64Array;
  readonly probability: Float64Array;
  readonly reasons: TextColumn;
}

/**
 * The columns of what encodeScores wrote, over the file's own bytes.
 * @param name of the object, for errors
 * @throws DataError when the bytes are no Arrow file
 */
export function scoreColumns(bytes: Uint8Array, name?: string): ScoreColumns {
  const { schema, batches } = decodeArrow(bytes, name);
  const batch = batches[0]!;
  const rows = batch.numRows;
  const text = (column: string): TextColumn => textColumn(batch.getChild(column)?.data[0], rows);
  const numbers = <T extends Float64Array | Uint32Array>(column: string): T =>
    batch.getChild(column)!.data[0]!.values.subarray(0, rows);
  const named = (suffix: string) =>
    schema.fields.flatMap(({ name }) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : []));
  const days = schema.metadata.get(DAYS_KEY);
  return {
    rows,
    ...(days === undefined ? {} : { days }),
    users: text('user'),
    hashes: numbers('hash'),
    tasks: Object.fromEntries(
      named('.logit').map((task) => [
        task,
        {
          logit: numbers(`${task}.logit`),
          probability: numbers(`${task}.probability`),
          reasons: text(`${task}.reasons`),
        },
      ]),
    ),
    lists: Object.fromEntries(named('.list').map((task) => [task, text(`${task}.list`)])),
    listReasons: Object.fromEntries(named('.listReasons').map((task) => [task, text(`${task}.listReasons`)])),
    values: Object.fromEntries(
      named('.value').map((task) => {
        const [value, low, high, alive, next] = AMOUNTS.map((name) =>
          numbers<Float64Array>(`${task}.${name}`),
        );
        const amounts = { value: value!, low: low!, high: high!, alive: alive!, next: next! };
        return [task, { ...amounts, reasons: text(`${task}.reasons`) }];
      }),
    ),
    uplifts: Object.fromEntries(
      named('.uplift').map((task) => {
        const [uplift, control, treated] = EFFECTS.map((name) => numbers<Float64Array>(`${task}.${name}`));
        const effects = { uplift: uplift!, control: control!, treated: treated! };
        return [task, { ...effects, reasons: text(`${task}.reasons`) }];
      }),
    ),
    audiences: Object.fromEntries(
      named('.audience').map((name) => [name, numbers<Float64Array>(`${name}.audience`)]),
    ),
    forecasts: Object.fromEntries(
      named('.units').map((task) => {
        const part = (name: (typeof FORECAST)[number]) => numbers<Float64Array>(`${task}.${name}`);
        return [
          task,
          { units: part('units'), low: part('low'), high: part('high'), stockout: part('stockout') },
        ];
      }),
    ),
    ...readLabels({ metadata: schema.metadata, named, numbers, text }),
    ...(schema.fields.some((field) => field.name === 'email') ? { emails: text('email') } : {}),
    ...(schema.fields.some((field) => field.name === 'sender')
      ? { arrived: { senders: text('sender'), times: numbers<Float64Array>('arrived') } }
      : {}),
  };
}

/**
 * Reads what encodeScores wrote.
 * @param name of the object, for errors
 * @throws DataError when the bytes are no Arrow file
 */
export function decodeScores(bytes: Uint8Array, name?: string): ShardScores {
  const columns = scoreColumns(bytes, name);
  const { rows, users, hashes, emails, arrived, tasks, lists, values, uplifts } = columns;
  const { listReasons, audiences, forecasts, classes, numbers } = columns;
  const texts = (column: TextColumn) => textsOf(column, rows);
  const mapped = <A, B>(of: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, to(value)]));
  return {
    users: texts(users).map((user) => user ?? ''),
    hashes: hashes.slice(),
    tasks: mapped(tasks, ({ logit, probability, reasons }) => ({
      logit: logit.slice(),
      probability: probability.slice(),
      reasons: texts(reasons),
    })),
    lists: mapped(lists, texts),
    values: mapped(values, ({ value, low, high, alive, next, reasons }) => ({
      value: value.slice(),
      low: low.slice(),
      high: high.slice(),
      alive: alive.slice(),
      next: next.slice(),
      reasons: texts(reasons),
    })),
    ...(Object.keys(uplifts).length > 0
      ? {
          uplifts: mapped(uplifts, ({ uplift, control, treated, reasons }) => ({
            ...{ uplift: uplift.slice(), control: control.slice(), treated: treated.slice() },
            reasons: texts(reasons),
          })),
        }
      : {}),
    ...(Object.keys(listReasons).length > 0 ? { listReasons: mapped(listReasons, texts) } : {}),
    ...(Object.keys(audiences).length > 0
      ? { audiences: mapped(audiences, (chances) => chances.slice()) }
      : {}),
    ...(Object.keys(forecasts).length > 0
      ? {
          forecasts: mapped(forecasts, ({ units, low, high, stockout }) => ({
            ...{ units: units.slice(), low: low.slice(), high: high.slice(), stockout: stockout.slice() },
          })),
        }
      : {}),
    ...(Object.keys(classes).length > 0 ? { classes: mapped(classes, (own) => classScores(own, rows)) } : {}),
    ...(Object.keys(numbers).length > 0
      ? {
          numbers: mapped(numbers, ({ number, low, high, reasons }) => ({
            ...{ number: number.slice(), low: low.slice(), high: high.slice(), reasons: texts(reasons) },
          })),
        }
      : {}),
    ...(emails ? { emails: texts(emails) } : {}),
    ...(arrived ? { arrived: { senders: texts(arrived.senders), times: arrived.times.slice() } } : {}),
  };
}
