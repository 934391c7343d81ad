import type { Source } from '../../config/index.ts';
import { toLocal } from '../duckdb/index.ts';
import { check, lostDigits, timeChecks } from './checks.ts';
import type { Field } from './fields.ts';
import type { Reading } from './reading.ts';
import { type TableColumns, zipStages } from './table.ts';
import { idOf } from './texts.ts';
import { dayOfLocal, needTime } from './times.ts';

type UnlabelledSource = Extract<Source, { table: 'unlabelled' }>;

/** Names that are taken in the table `unlabelled`, beside those of all tables of attributes. */
export const UNLABELLED_COLUMNS = ['id', 'time', 'day'];

/**
 * What the table `unlabelled` has beside attributes: the shop's id of each row, when it came, and whose it is. A row
 * without a user stays: a message may come from somebody who has not signed in.
 */
export function unlabelledColumns(
  source: UnlabelledSource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): Pick<TableColumns, 'stages' | 'checks' | 'outputs' | 'canonical'> {
  const id = fields.get('columns.id')!;
  const time = fields.get('columns.time')!;
  const user = fields.get('columns.user');
  const instant = needTime(time, 'v_instant', reading);
  const ids = [{ name: 'id', field: id }, ...(user ? [{ name: 'user', field: user }] : [])].map((one) => ({
    ...one,
    sql: idOf(one.field, `v_${one.name}`, reading.missing),
  }));
  return {
    stages: [
      ...zipStages([...ids.map(({ sql }) => sql.stages), instant.stages]),
      [
        `to_timestamp(${instant.ms} / 1000.0) AS v_time`,
        `${toLocal(reading.shop.timeZone, instant.ms, reading.many)} AS local`,
      ],
      [`${dayOfLocal('local')} AS v_day`],
    ],
    checks: [
      check('id', 'no id', 'v_id IS NULL', 'no id'),
      ...ids.map(({ field, sql }) => lostDigits(field, sql.lost)),
      check('time', 'no time', `NOT (${instant.given})`, 'no time'),
      ...timeChecks(time, instant, source),
    ],
    outputs: [
      { name: 'id', sql: 'v_id', type: 'text', nullable: false },
      ...(user ? [{ name: 'user', sql: 'v_user', type: 'text', nullable: true, sealed: true } as const] : []),
      { name: 'time', sql: instant.ms, type: 'instant', nullable: false },
      { name: 'day', sql: 'v_day', type: 'int32', nullable: false },
    ],
    canonical: [
      ...ids.map(({ name }) => ({ name, type: 'VARCHAR', slot: `v_${name}` })),
      { name: 'time', type: 'TIMESTAMP WITH TIME ZONE', slot: 'v_time' },
      { name: 'day', type: 'INTEGER', slot: 'v_day' },
    ],
  };
}
