import type { Source } from '../../config/index.ts';
import type { Field } from './fields.ts';
import { idsAtTime } from './ids-at-time.ts';
import type { Reading } from './reading.ts';
import type { Output, TableColumns } from './table.ts';

type TreatmentSource = Extract<Source, { table: 'treatments' }>;

/** The columns of the table `treatments`: who was treated by which campaign, in which arm, and when. */
export function treatmentColumns(
  source: TreatmentSource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  // "None" and "null" are words that shops give to control groups: only an arm that is empty is none.
  const { time, ...columns } = idsAtTime(source, fields, reading, ['user', 'campaign', 'arm'], ['arm']);
  const outputs: Output[] = [
    { name: 'campaign', sql: 'v_campaign', type: 'text', nullable: false },
    { name: 'arm', sql: 'v_arm', type: 'text', nullable: false },
    { name: 'time', sql: time, type: 'instant', nullable: false },
    { name: 'flags', sql: 'flags', type: 'uint16', nullable: false },
  ];
  return { ...columns, outputs, order: outputs.map(({ name }) => name), subject: 'user' };
}
