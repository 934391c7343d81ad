import type { Source } from '../../config/index.ts';
import { check } from './checks.ts';
import type { Field } from './fields.ts';
import { idsAtTime } from './ids-at-time.ts';
import type { Reading } from './reading.ts';
import type { Flag, Output, TableColumns } from './table.ts';

type IdentitySource = Extract<Source, { table: 'identities' }>;

/** The columns of the table `identities`: which anonymous id turned out to be which user, and when. */
export function identityColumns(
  source: IdentitySource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  const { time, stages, checks, canonical } = idsAtTime(source, fields, reading, ['user', 'anonymous']);
  const outputs: Output[] = [
    { name: 'time', sql: time, type: 'instant', nullable: false },
    { name: 'anonymous', sql: 'v_anonymous', type: 'text', nullable: false, sealed: true },
    { name: 'flags', sql: 'flags', type: 'uint16', nullable: false },
  ];
  return {
    stages: [
      ...stages,
      [
        'min(v_user) OVER (PARTITION BY v_anonymous) AS v_first_user',
        'max(v_user) OVER (PARTITION BY v_anonymous) AS v_last_user',
      ],
    ],
    checks: [
      ...checks,
      check('anonymous', 'linked to itself', 'v_user = v_anonymous', 'the id is linked to itself'),
    ],
    outputs,
    canonical,
    order: outputs.map(({ name }) => name),
    subject: 'user',
  };
}

/**
 * Marks links of an anonymous id that the same file links to another user, too. They stay: which links hold depends on the day
 * that is asked about, and on all files.
 */
export const SEVERAL_USERS: Flag = { name: 'several-users', when: 'v_first_user <> v_last_user' };
