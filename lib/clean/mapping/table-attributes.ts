import type { Source } from '../../config/index.ts';
import { Refusal } from '../errors.ts';
import type { Column } from '../read/index.ts';
import { addressStages, HASHED_ADDRESS } from './addresses.ts';
import { check, lostDigits, numberChecks, timeChecks } from './checks.ts';
import { type Field, isDecimal, isFloat } from './fields.ts';
import { numberStages } from './numbers.ts';
import type { Reading } from './reading.ts';
import { type Check, type Output, type TableColumns, VALUE, zipStages } from './table.ts';
import { splitColumns } from './table-split.ts';
import { UNLABELLED_COLUMNS, unlabelledColumns } from './table-unlabelled.ts';
import { idOf, plainText } from './texts.ts';
import { needTime } from './times.ts';

type AttributeSource = Extract<Source, { attributes: unknown }>;

const SPLITS = ['train', 'valid', 'test'];
const OWN_COLUMNS = [
  ...['user', 'hash', 'item', 'row_id', 'label', 'split', 'split_at', 'valid_from', 'email_sha256', 'flags'],
];
const KINDS = { numbers: 'number', categories: 'category', texts: 'text' } as const;
/** Squares of numbers up to this stay finite, however many are added. */
const MOST = 1e18;

/** The columns of the tables `items`, `users`, `labels` and `unlabelled`: a few of their own and attributes. */
export function attributeColumns(
  source: AttributeSource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  const field = (name: string) => fields.get(`columns.${name}`);
  const stages: (readonly (readonly string[])[])[] = [];
  const checks: Check[] = [];
  const outputs: Output[] = [];
  const canonical: Column[] = [];
  const user = field('user');
  const { missing } = reading;
  const addId = (id: Field, name: string, none: string) => {
    const sql = idOf(id, `v_${name}`, missing);
    stages.push(sql.stages);
    checks.push(check(name, none, `v_${name} IS NULL`, none), lostDigits(id, sql.lost));
    canonical.push({ name, type: 'VARCHAR', slot: `v_${name}` });
  };
  if (source.table === 'unlabelled') {
    const own = unlabelledColumns(source, fields, reading);
    stages.push(own.stages);
    checks.push(...own.checks);
    outputs.push(...own.outputs);
    canonical.push(...own.canonical);
  } else if (user) addId(user, 'user', 'no user');
  if (source.table === 'labels') {
    outputs.push({ name: 'row_id', sql: 'n::INTEGER', type: 'int32', nullable: false });
  }
  for (const name of ['item', 'label'] as const) {
    const id = field(name);
    if (!id) continue;
    addId(id, name, `no ${name}`);
    outputs.push({ name, sql: `v_${name}`, type: 'text', nullable: false });
  }
  const split = field('split');
  if (split) {
    stages.push([[`${plainText(split)} AS v_split`]]);
    outputs.push({ name: 'split', sql: 'v_split', type: 'text', nullable: false });
    canonical.push({ name: 'split', type: 'VARCHAR', slot: 'v_split' });
    checks.push(
      check(
        'split',
        'split: unknown',
        `v_split IS NULL OR v_split NOT IN ('${SPLITS.join("', '")}')`,
        `split: ${VALUE} is none of ${SPLITS.join(', ')}`,
        split.value,
      ),
    );
  }
  const by = fields.get('split.by');
  if (source.table === 'labels' && source.split && by) {
    const own = splitColumns(source.split, by, source, reading);
    stages.push(own.stages);
    checks.push(...own.checks);
    outputs.push(...own.outputs);
    canonical.push({ name: 'split', type: 'VARCHAR', slot: 'v_split' });
  }
  const validFrom = field('valid_from');
  if (validFrom) {
    const time = needTime(validFrom, 'v_valid_from', reading);
    stages.push(time.stages);
    checks.push(...timeChecks(validFrom, time, source));
    // An empty one says that the attributes have always been valid.
    outputs.push({ name: 'valid_from', sql: time.ms, type: 'instant', nullable: true });
    canonical.push({ name: 'valid_from', type: 'BIGINT', slot: time.ms });
  }
  const email = field('email');
  if (email) {
    stages.push(addressStages(email));
    outputs.push({ name: 'email_sha256', sql: HASHED_ADDRESS, type: 'text', nullable: true });
    canonical.push({ name: 'email_sha256', type: 'VARCHAR', slot: HASHED_ADDRESS });
  }
  const taken = new Set([...OWN_COLUMNS, ...(source.table === 'unlabelled' ? UNLABELLED_COLUMNS : [])]);
  for (const attribute of fields.values()) {
    const [, kind, name] = /^attributes\.(numbers|categories|texts)\.(.*)$/s.exec(attribute.path) ?? [];
    if ((kind !== 'numbers' && kind !== 'categories' && kind !== 'texts') || name === undefined) continue;
    if (taken.has(name.toLowerCase())) {
      throw new Refusal(
        `the attribute "${name}" has a name that is taken`,
        `give it another one: ${kind}: { other_name: '${attribute.expression}' }`,
      );
    }
    taken.add(name.toLowerCase());
    const out = { name, nullable: true, kind: KINDS[kind] };
    if (kind === 'numbers') {
      stages.push(numberStages(attribute, missing, reading.number));
      checks.push(...numberChecks(attribute, MOST));
      outputs.push({ ...out, sql: attribute.number, type: 'double' });
      canonical.push({ name, type: 'DOUBLE', slot: attribute.number });
      continue;
    }
    // A category that went through a float is the same category: 3.0 is 3.
    const whole = kind === 'categories' && (isFloat(attribute.type) || isDecimal(attribute.type));
    const text = whole ? idOf(attribute, attribute.text, []) : undefined;
    stages.push(text?.stages ?? [[`${plainText(attribute)} AS ${attribute.text}`]]);
    outputs.push({ ...out, sql: attribute.text, type: 'text' });
    canonical.push({ name, type: 'VARCHAR', slot: attribute.text });
  }
  outputs.push({ name: 'flags', sql: 'flags', type: 'uint16', nullable: false });
  return {
    stages: zipStages(stages),
    checks,
    outputs,
    canonical,
    order: outputs.map(({ name }) => name),
    subject: source.table === 'items' || source.table === 'unlabelled' ? 'none' : user ? 'user' : 'row',
  };
}
