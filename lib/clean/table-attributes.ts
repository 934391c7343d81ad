import type { Source } from '../config/index.ts';
import { quoteIdentifier } from './engine.ts';
import { Refusal } from './errors.ts';
import { type Field, instantOf, show, textOf, typedNumber } from './expressions.ts';
import type { Check, Output, TablePlan } from './table.ts';
import { failures, notANumber, ruleChecks, ruleFlags, shortName } from './table-events.ts';

type AttributeSource = Exclude<Source, { table: 'events' }>;

const SPLITS = ['train', 'valid', 'test'];
const OWN_COLUMNS = [
  ...['user', 'hash', 'item', 'row_id', 'label', 'split', 'valid_from', 'email_sha256', 'flags'],
];
const KINDS = { numbers: 'number', categories: 'category', texts: 'text' } as const;

/** The plan of the tables `items`, `users` and `labels`: a few columns of their own and attributes. */
export function planAttributes(
  source: AttributeSource,
  fields: ReadonlyMap<string, Field>,
  /** Of naive times. */
  zone: string,
): TablePlan {
  const field = (name: string) => fields.get(`columns.${name}`);
  const typed: string[] = [];
  const canonical: string[] = [];
  const checks: Check[] = failures([...fields.values()]);
  const outputs: Output[] = [];
  const add = (
    name: string,
    sql: string,
    type: Output['type'],
    nullable: boolean,
    extra: Partial<Output> = {},
  ) => {
    const quoted = quoteIdentifier(name);
    canonical.push(`${sql} AS ${quoted}`);
    outputs.push({ name, sql: quoted, type, nullable, ...extra });
  };

  const user = field('user');
  if (user) {
    canonical.push(`nullif(trim(${textOf(user)}, E' \\t\\r\\n'), '') AS "user"`);
    checks.push({ column: 'user', kind: 'no user', when: '"user" IS NULL', reason: `'no user'` });
  }
  if (source.table === 'labels')
    outputs.push({ name: 'row_id', sql: 'nj_row::INTEGER', type: 'int32', nullable: false });
  for (const name of ['item', 'label'] as const) {
    const text = field(name);
    if (!text) continue;
    add(name, textOf(text), 'text', false);
    checks.push({ column: name, kind: `no ${name}`, when: `"${name}" IS NULL`, reason: `'no ${name}'` });
  }
  const split = field('split');
  if (split) {
    add('split', textOf(split), 'text', false);
    checks.push({
      column: 'split',
      kind: 'split: unknown',
      when: `"split" IS NULL OR "split" NOT IN ('${SPLITS.join("', '")}')`,
      reason: `'split: ' || ${show(split.value)} || ' is none of ${SPLITS.join(', ')}'`,
    });
  }
  const validFrom = field('valid_from');
  if (validFrom) addValidFrom(validFrom, zone, canonical, checks, outputs);

  const email = field('email');
  if (email) add('email_sha256', hashedAddress(textOf(email)), 'text', true);

  const taken = new Set(OWN_COLUMNS);
  for (const attribute of fields.values()) {
    const kind = /^attributes\.(numbers|categories|texts)\./.exec(attribute.name)?.[1];
    if (kind !== 'numbers' && kind !== 'categories' && kind !== 'texts') continue;
    const name = attribute.name.slice(`attributes.${kind}.`.length);
    if (taken.has(name.toLowerCase())) {
      throw new Refusal(
        `the attribute "${name}" has a name that is taken`,
        `give it another one: ${kind}: { other_name: '${attribute.expression}' }`,
      );
    }
    taken.add(name.toLowerCase());
    if (kind === 'numbers') {
      checks.push(notANumber(attribute));
      typed.push(...typedNumber(attribute));
    }
    const value = kind === 'numbers' ? attribute.number : textOf(attribute);
    add(name, value, kind === 'numbers' ? 'double' : 'text', true, { kind: KINDS[kind] });
  }
  outputs.push({ name: 'flags', sql: 'nj_flags', type: 'uint16', nullable: false });
  return {
    evaluated: [...fields.values()].map(({ evaluated }) => evaluated),
    stages: [typed, canonical],
    checks: [...checks, ...ruleChecks(source)],
    flags: ruleFlags(source, email ? [noAddress(email)] : []),
    outputs,
    order: outputs.map(({ name }) => name),
    subject: source.table === 'items' ? 'none' : user ? 'user' : 'row',
  };
}

/** Blanks around an address: those of any script, and a byte order mark. */
const BLANKS = String.raw`[\s\p{Z}\x{FEFF}]+`;

/**
 * SHA-256 (hex) of an address without blanks around it, in lower case: the normal form that advertising platforms ask
 * for. NULL where it is none.
 */
function hashedAddress(text: string): string {
  const trimmed = `lower(regexp_replace(${text}, '^${BLANKS}|${BLANKS}$', '', 'g'))`;
  return `CASE WHEN regexp_full_match(${trimmed}, '[^\\s@]+@[^\\s@]+') THEN sha256(${trimmed}) END`;
}

const noAddress = (email: Field) => ({
  name: 'no-email-address',
  when: `${textOf(email)} IS NOT NULL AND "email_sha256" IS NULL`,
});

/** SQL text that keeps no address: of whatever looks like one, in text that quarantine would keep. */
export const withoutAddresses = (sql: string): string =>
  `regexp_replace(${sql}, '[^\\s"'',;:<>()]+@[^\\s"'',;:<>()]+', '(address not kept)', 'g')`;

/** An empty `valid_from` says that the attributes have always been valid. */
function addValidFrom(
  field: Field,
  zone: string,
  canonical: string[],
  checks: Check[],
  outputs: Output[],
): void {
  const instant = instantOf(field, zone);
  if (!instant) {
    throw new Refusal(
      `columns.valid_from gives ${field.type}, which is no time: ${field.expression}`,
      'give text, TIMESTAMP, TIMESTAMPTZ, DATE or a whole number of milliseconds since 1970',
    );
  }
  canonical.push(`CASE WHEN isfinite(${instant}) THEN ${instant} END AS "valid_from"`);
  const name = shortName(field.name);
  checks.push({
    column: name,
    kind: `${name}: no timestamp`,
    when: `${textOf(field)} IS NOT NULL AND "valid_from" IS NULL`,
    reason: `'${name}: ' || ${show(field.value)} || ' is no timestamp'`,
  });
  outputs.push({ name: 'valid_from', sql: 'epoch_ms("valid_from")', type: 'instant', nullable: true });
}
