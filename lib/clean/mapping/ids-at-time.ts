import type { Source } from '../../config/index.ts';
import type { Column } from '../read/index.ts';
import { check, lostDigits, timeChecks } from './checks.ts';
import type { Field } from './fields.ts';
import type { Reading } from './reading.ts';
import { type TableColumns, zipStages } from './table.ts';
import { idOf } from './texts.ts';
import { needTime } from './times.ts';

/** What tables of ids at a time have in common: each id is required and kept in its one form, and so is the time. */
interface IdsAtTime extends Pick<TableColumns, 'stages' | 'checks'> {
  /** ms UTC, in SQL. */
  readonly time: string;
  readonly canonical: readonly Column[];
}

/**
 * The columns of such a table. An id that is missing or has lost digits is a reason for quarantine, then a time that is missing or
 * impossible.
 * @param ids names of the columns that are ids, in the order of their checks
 * @param words ids whose values may be words that elsewhere stand for no value
 */
export function idsAtTime(
  source: Source,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
  ids: readonly string[],
  words: readonly string[] = [],
): IdsAtTime {
  const field = (name: string) => fields.get(`columns.${name}`)!;
  const read = ids.map((name) => ({
    name,
    field: field(name),
    sql: idOf(field(name), `v_${name}`, words.includes(name) ? [] : reading.missing),
  }));
  const time = needTime(field('time'), 'v_instant', reading);
  return {
    stages: [
      ...zipStages([...read.map(({ sql }) => sql.stages), time.stages]),
      [`to_timestamp(${time.ms} / 1000.0) AS v_time`],
    ],
    checks: [
      ...read.map(({ name }) => check(name, `no ${name}`, `v_${name} IS NULL`, `no ${name}`)),
      ...read.map(({ field: id, sql }) => lostDigits(id, sql.lost)),
      check('time', 'no time', `NOT (${time.given})`, 'no time'),
      ...timeChecks(field('time'), time, source),
    ],
    time: time.ms,
    canonical: [
      ...ids.map((name) => ({ name, type: 'VARCHAR', slot: `v_${name}` })),
      { name: 'time', type: 'TIMESTAMP WITH TIME ZONE', slot: 'v_time' },
    ],
  };
}
