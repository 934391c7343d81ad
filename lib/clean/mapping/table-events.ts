import type { Source } from '../../config/index.ts';
import { EVENT_TYPES, minorDigits } from '../../data/index.ts';
import { quoteText, toLocal } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Column } from '../read/index.ts';
import { check, lostDigits, numberChecks, timeChecks } from './checks.ts';
import type { Field } from './fields.ts';
import { minorUnits, numberStages } from './numbers.ts';
import type { Reading } from './reading.ts';
import { NO_TEXT, type Output, type TableColumns, VALUE, zipStages } from './table.ts';
import { idOf, plainText, rawText, trimmed } from './texts.ts';
import { dayOfLocal, hourOfLocal, needTime } from './times.ts';
import { versionColumns } from './version.ts';

type EventSource = Extract<Source, { table: 'events' }>;

/** A line of more pieces than this is a barcode or an overflow in the wrong column. */
const MOST_PIECES = 1e7;
/** Minor units of a line: 100,000,000,000.00. Sums of so many lines stay exact in a double. */
const MOST_MONEY = 1e13;

/** The columns of the table `events`. */
export function eventColumns(
  source: EventSource,
  fields: ReadonlyMap<string, Field>,
  reading: Reading,
): TableColumns {
  const field = (name: string) => fields.get(`columns.${name}`);
  const need = (name: string) => {
    const found = field(name);
    if (!found) throw new Refusal(`columns.${name} is missing`, 'map it in the config');
    return found;
  };
  const [user, time, type] = [need('user'), need('time'), need('type')];
  const [item, session, text, currency] = [field('item'), field('session'), field('text'), field('currency')];
  const [quantity, price, amount] = [field('quantity'), field('price'), field('amount')];
  const { missing, number, shop } = reading;
  const instant = needTime(time, 'v_instant', reading);
  const version = versionColumns(fields.get('newestBy'), reading);
  const numbers = [quantity, price, amount].filter((given) => given !== undefined);
  const ids = [
    { field: user, name: 'user' },
    ...(item ? [{ field: item, name: 'item' }] : []),
    ...(session ? [{ field: session, name: 'session' }] : []),
  ].map((one) => ({ ...one, sql: idOf(one.field, `v_${one.name}`, missing) }));
  const texts = [
    ...(item ? [] : [`${NO_TEXT} AS v_item`]),
    ...(session ? [] : [`${NO_TEXT} AS v_session`]),
    `${text ? plainText(text) : NO_TEXT} AS v_text`,
    `nullif(${trimmed(rawText(type))}, '') AS v_type`,
    ...(currency ? [`nullif(upper(${trimmed(rawText(currency))}), '') AS v_currency`] : []),
  ];
  const digits = minorDigits(shop.currency);
  const pieces = quantity ? `coalesce(${quantity.number}, 1)` : '1::DOUBLE';
  const byPrice = price ? `${pieces} * ${price.number}` : 'NULL::DOUBLE';
  const money = (sql: string) => `CASE WHEN abs(${sql}) <= ${MOST_MONEY} THEN TRY_CAST(${sql} AS BIGINT) END`;
  const stages = [
    ...zipStages([
      ...ids.map(({ sql }) => sql.stages),
      instant.stages,
      ...numbers.map((given) => numberStages(given, missing, number)),
      [texts],
      version.stages,
    ]),
    [
      `to_timestamp(${instant.ms} / 1000.0) AS v_time`,
      `${toLocal(shop.timeZone, instant.ms, reading.many)} AS local`,
      `${pieces} AS v_quantity`,
      `${price ? minorUnits(price.number, digits) : 'NULL::DOUBLE'} AS price_exact`,
      `${minorUnits(amount ? `coalesce(${amount.number}, ${byPrice})` : byPrice, digits)} AS amount_exact`,
    ],
    [
      `${dayOfLocal('local')} AS v_day`,
      `${hourOfLocal('local')} AS v_hour`,
      `${money('price_exact')} AS v_price`,
      `coalesce(${money('amount_exact')}, 0) AS v_amount`,
    ],
  ];
  const checks = [
    check('user', 'no user', `v_user IS NULL`, 'no user'),
    ...ids.map(({ field, sql }) => lostDigits(field, sql.lost)),
    check('time', 'no time', `NOT (${instant.given})`, 'no time'),
    ...timeChecks(time, instant, source),
    check('type', 'no type', `v_type IS NULL`, 'no type'),
    check(
      'type',
      'type: unknown',
      `v_type NOT IN (${EVENT_TYPES.map(quoteText).join(', ')})`,
      `type: ${VALUE} is none of ${EVENT_TYPES.join(', ')}`,
      type.value,
    ),
    ...(quantity ? numberChecks(quantity, MOST_PIECES) : []),
    ...[price, amount].flatMap((one) => (one ? numberChecks(one, MOST_MONEY / 10 ** digits) : [])),
    ...(price
      ? [
          check(
            'amount',
            'amount: out of range',
            `abs(amount_exact) > ${MOST_MONEY}`,
            `amount: quantity times price is out of range: ${VALUE}`,
            `v_quantity || ' x ' || (${price.value})::VARCHAR`,
          ),
        ]
      : []),
    ...(currency && shop.currency ? [otherCurrency(currency, shop.currency)] : []),
    ...version.checks,
  ];
  const outputs: Output[] = [
    output('time', instant.ms, 'instant'),
    output('day', 'v_day', 'int32'),
    output('hour', 'v_hour', 'uint8'),
    output(
      'type',
      `TRY_CAST(list_position([${EVENT_TYPES.map(quoteText).join(', ')}], v_type) - 1 AS UTINYINT)`,
      'uint8',
    ),
    output('item', item ? 'v_item' : NO_TEXT, 'text', true),
    output('quantity', 'v_quantity', 'double'),
    output('price', 'v_price', 'int64', true),
    output('amount', 'v_amount', 'int64'),
    output('session', session ? 'v_session' : NO_TEXT, 'text', true),
    output('text', text ? 'v_text' : NO_TEXT, 'text', true),
    output('id', source.key ? 'left(key_hash, 16)' : NO_TEXT, 'text', true),
    ...version.outputs,
    output('flags', 'flags', 'uint16'),
  ];
  const order = outputs.map(({ name }) => name).filter((name) => name !== 'day' && name !== 'hour');
  return { stages, checks, outputs, order, canonical: CANONICAL, subject: 'user' };
}

/** What rules may read. */
const CANONICAL: readonly Column[] = Object.entries({
  user: 'VARCHAR',
  time: 'TIMESTAMP WITH TIME ZONE',
  day: 'INTEGER',
  hour: 'INTEGER',
  type: 'VARCHAR',
  item: 'VARCHAR',
  quantity: 'DOUBLE',
  price: 'BIGINT',
  amount: 'BIGINT',
  session: 'VARCHAR',
  text: 'VARCHAR',
}).map(([name, type]) => ({ name, type, slot: `v_${name}` }));

function otherCurrency(field: Field, own: string) {
  return check(
    'currency',
    'currency: not the shop’s',
    `v_currency <> ${quoteText(own)}`,
    `currency: ${VALUE} is not ${own}, the currency of the shop: convert price and amount in the mapping, or leave such rows out (where)`,
    field.value,
  );
}

function output(name: string, sql: string, type: Output['type'], nullable = false): Output {
  return { name, sql, type, nullable };
}
