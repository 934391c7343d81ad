import type { Source } from '../../config/index.ts';
import type { Column } from '../read/index.ts';
import { check, lostDigits, timeChecks } from './checks.ts';
import type { Field } from './fields.ts';
import type { Reading } from './reading.ts';
import { type Flag, type Output, type TableColumns, zipStages } from './table.ts';
import { idOf } from './texts.ts';
import { needTime } from './times.ts';

type IdentitySource = Extract<Source, { table: 'identities' }>;

/** The columns of the table `identities`: which anonymous id turned out to be which user, and when. */
export function identityColumns(
  source: IdentitySource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  const field = (name: keyof IdentitySource['columns']) => fields.get(`columns.${name}`)!;
  const ids = (['user', 'anonymous'] as const).map((name) => ({
    name,
    field: field(name),
    sql: idOf(field(name), `v_${name}`, reading.missing),
  }));
  const time = needTime(field('time'), 'v_instant', reading);
  const checks = [
    ...ids.map(({ name }) => check(name, `no ${name}`, `v_${name} IS NULL`, `no ${name}`)),
    ...ids.map(({ field: id, sql }) => lostDigits(id, sql.lost)),
    check('time', 'no time', `NOT (${time.given})`, 'no time'),
    ...timeChecks(field('time'), time, source),
    check('anonymous', 'linked to itself', 'v_user = v_anonymous', 'the id is linked to itself'),
  ];
  const outputs: Output[] = [
    { name: 'time', sql: time.ms, type: 'instant', nullable: false },
    { name: 'anonymous', sql: 'v_anonymous', type: 'text', nullable: false, sealed: true },
    { name: 'flags', sql: 'flags', type: 'uint16', nullable: false },
  ];
  return {
    stages: [
      ...zipStages([...ids.map(({ sql }) => sql.stages), time.stages]),
      [
        `to_timestamp(${time.ms} / 1000.0) AS v_time`,
        'min(v_user) OVER (PARTITION BY v_anonymous) AS v_first_user',
        'max(v_user) OVER (PARTITION BY v_anonymous) AS v_last_user',
      ],
    ],
    checks,
    outputs,
    canonical: CANONICAL,
    order: outputs.map(({ name }) => name),
    subject: 'user',
  };
}

/**
 * Marks links of an anonymous id that the same file links to another user, too. They stay: which links hold depends on the day
 * that is asked about, and on all files.
 */
export const SEVERAL_USERS: Flag = { name: 'several-users', when: 'v_first_user <> v_last_user' };

/** What rules may read. */
const CANONICAL: readonly Column[] = Object.entries({
  anonymous: 'VARCHAR',
  user: 'VARCHAR',
  time: 'TIMESTAMP WITH TIME ZONE',
}).map(([name, type]) => ({ name, type, slot: `v_${name}` }));
