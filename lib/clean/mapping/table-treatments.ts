import type { Source } from '../../config/index.ts';
import type { Column } from '../read/index.ts';
import { check, lostDigits, timeChecks } from './checks.ts';
import type { Field } from './fields.ts';
import type { Reading } from './reading.ts';
import { type Output, type TableColumns, zipStages } from './table.ts';
import { idOf } from './texts.ts';
import { needTime } from './times.ts';

type TreatmentSource = Extract<Source, { table: 'treatments' }>;

/** The columns of the table `treatments`: who was treated by which campaign, in which arm, and when. */
export function treatmentColumns(
  source: TreatmentSource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  const field = (name: keyof TreatmentSource['columns']) => fields.get(`columns.${name}`)!;
  // "None" and "null" are words that shops give to control groups: only an arm that is empty is none.
  const ids = (['user', 'campaign', 'arm'] as const).map((name) => ({
    name,
    field: field(name),
    sql: idOf(field(name), `v_${name}`, name === 'arm' ? [] : reading.missing),
  }));
  const time = needTime(field('time'), 'v_instant', reading);
  const checks = [
    ...ids.map(({ name }) => check(name, `no ${name}`, `v_${name} IS NULL`, `no ${name}`)),
    ...ids.map(({ field: id, sql }) => lostDigits(id, sql.lost)),
    check('time', 'no time', `NOT (${time.given})`, 'no time'),
    ...timeChecks(field('time'), time, source),
  ];
  const outputs: Output[] = [
    { name: 'campaign', sql: 'v_campaign', type: 'text', nullable: false },
    { name: 'arm', sql: 'v_arm', type: 'text', nullable: false },
    { name: 'time', sql: time.ms, type: 'instant', nullable: false },
    { name: 'flags', sql: 'flags', type: 'uint16', nullable: false },
  ];
  return {
    stages: [
      ...zipStages([...ids.map(({ sql }) => sql.stages), time.stages]),
      [`to_timestamp(${time.ms} / 1000.0) AS v_time`],
    ],
    checks,
    outputs,
    canonical: CANONICAL,
    order: outputs.map(({ name }) => name),
    subject: 'user',
  };
}

/** What rules may read. */
const CANONICAL: readonly Column[] = Object.entries({
  user: 'VARCHAR',
  campaign: 'VARCHAR',
  arm: 'VARCHAR',
  time: 'TIMESTAMP WITH TIME ZONE',
}).map(([name, type]) => ({ name, type, slot: `v_${name}` }));
