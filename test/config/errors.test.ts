import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import { ConfigError } from '../../lib/data/index.ts';

/** A right config, to be spoilt in one place. */
const right = () => ({
  shop: { timeZone: 'Europe/Berlin' } as Record<string, unknown>,
  sources: {
    orders: {
      format: 'csv',
      table: 'events',
      columns: { user: 'customer', time: 'at', type: "'purchase'" },
    },
    visits: { format: 'parquet', table: 'labels', columns: { label: 'bought' } },
  } as Record<string, Record<string, unknown>>,
  tasks: {
    purchase: { kind: 'event', horizonDays: 30 },
    bought: { kind: 'label', source: 'visits' },
  } as Record<string, Record<string, unknown>>,
});

type Input = ReturnType<typeof right> & Record<string, unknown>;

function messageOf(input: unknown): string {
  try {
    parseConfig(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return 'no error';
}

const ZONE = 'an IANA time zone such as "Europe/London" or "UTC" (no abbreviation: BST means two zones)';
const NAME = 'a name of letters, digits, "-" and "_", starting with a letter';

/** What is wrong, how the config is spoilt, and the one line that must tell it. */
const cases: [string, (config: Input) => void, string][] = [
  ['no time zone', (c) => delete c.shop.timeZone, 'shop.timeZone: given nothing, expected a string'],
  [
    'a time zone that there is not',
    (c) => (c.shop.timeZone = 'Europe/Atlantis'),
    `shop.timeZone: given "Europe/Atlantis", expected ${ZONE}`,
  ],
  ['a number for a name', (c) => (c.shop.name = 7), 'shop.name: given 7, expected a string'],
  [
    'a misspelt setting of the shop',
    (c) => (c.shop.timezone = 'UTC'),
    'shop.timezone: unknown setting; remove it or check its spelling',
  ],
  [
    'profiles that are neither true nor settings',
    (c) => (c.exports = { profiles: { newDay: 3 } }),
    'exports.profiles.newDay: unknown setting; remove it or check its spelling',
  ],
  [
    'who is lost before lapsing',
    (c) => (c.exports = { profiles: { lapsingAfter: 3, lostAfter: 2 } }),
    'exports.profiles.lostAfter: given 2, expected more than exports.profiles.lapsingAfter, which is 3',
  ],
  [
    'interests in what no item has',
    (c) => (c.exports = { profiles: { interests: 'aisle' } }),
    'exports.profiles.interests: given "aisle", expected "item" or a category attribute of a source whose table is "items": "item"',
  ],
  [
    'a label that counts as yes where none does',
    (c) => Object.assign(c.tasks.bought!, { answers: 'one-of', positive: 'yes' }),
    `tasks.bought.positive: given "yes", expected no such setting with answers: 'one-of', which has no label that counts as yes`,
  ],
  [
    'interests of no kind',
    (c) => (c.exports = { profiles: { mostInterests: 2 } }),
    'exports.profiles.mostInterests: given 2, expected no such setting without "interests", which says what they are told in',
  ],
  [
    'no action at all',
    (c) => (c.exports = { actions: {} }),
    'exports.actions: given {}, expected at least one action, or no such setting',
  ],
  [
    'profiles where nobody is scored',
    (c) => {
      delete c.tasks.purchase;
      c.exports = { profiles: true };
    },
    'exports.profiles: given nothing, expected a task over users beside it: profiles are of the users that a night scores',
  ],
  ['a misspelt section', (c) => (c.task = {}), 'task: unknown setting; remove it or check its spelling'],
  [
    'a list where sources are named',
    (c) => ((c as Record<string, unknown>).sources = []),
    'sources: given [], expected an object',
  ],
  [
    'a source whose name has a blank',
    (c) => (c.sources['my orders'] = c.sources.orders!),
    `sources.my orders: given {"format":"csv","table":"events","columns":{"user":"customer","time":"at","type":"'purchase'"}}, expected ${NAME}`,
  ],
  [
    'versions of events that have no key',
    (c) => (c.sources.orders!.newestBy = ['changed']),
    'sources.orders.newestBy: given ["changed"], expected a "key" beside it: without one, lines of different files are different events',
  ],
  [
    'an empty key',
    (c) => Object.assign(c.sources.orders!, { key: [] }),
    'sources.orders.key: given [], expected a list of at least 1',
  ],
  [
    'a delimiter that is the quote as well',
    (c) => Object.assign(c.sources.orders!, { csv: { delimiter: '"' } }),
    `sources.orders.csv.delimiter: given ${JSON.stringify('"')}, expected another character than csv.quote`,
  ],
  [
    'two splits of one table',
    (c) =>
      Object.assign(c.sources.visits!, {
        columns: { label: 'bought', split: 'part' },
        split: { by: 'day', testFrom: '2018-11-01' },
      }),
    'sources.visits.split: given {"by":"day","testFrom":"2018-11-01"}, expected one of split and columns.split: each splits the table',
  ],
  [
    'a split by a day and by values',
    (c) => Object.assign(c.sources.visits!, { split: { by: 'day', testFrom: '2018-11-01', test: ['Nov'] } }),
    'sources.visits.split: given {"by":"day","testFrom":"2018-11-01","test":["Nov"]}, expected testFrom, the first day of the test rows, or train and test, values of the column',
  ],
  [
    'a value on both sides of a split',
    (c) => Object.assign(c.sources.visits!, { split: { by: 'month', train: ['Oct', 'Nov'], test: ['Nov'] } }),
    'sources.visits.split: given "Nov", expected each value once, in train or in test',
  ],
  [
    'a split from no day',
    (c) => Object.assign(c.sources.visits!, { split: { by: 'day', testFrom: 'November' } }),
    'sources.visits.split.testFrom: given "November", expected a day such as "2018-11-01"',
  ],
  [
    'a momentum of an optimiser that has none',
    (c) => (c.training = { momentum: 0.5 }),
    "training.momentum: given 0.5, expected no such setting with the optimiser 'adamw': only 'sgd' has a momentum",
  ],
  [
    'an optimiser that the engine has not',
    (c) => (c.training = { optimiser: 'lion' }),
    'training.optimiser: given "lion", expected one of "adamw", "sgd", "adagrad", "adafactor"',
  ],
  [
    'one prefix of two sources',
    (c) => Object.assign(c.sources.visits!, { prefix: 'orders/' }),
    'sources.visits.prefix: given "orders/", expected another prefix than that of "orders": a file belongs to one source',
  ],
  [
    'a prefix that leads out of the drops',
    (c) => Object.assign(c.sources.orders!, { prefix: '../x' }),
    'sources.orders.prefix: given "../x", expected folders below drop/ such as "shop/orders/": without a / at the start, without . and ..',
  ],
  [
    'versions of what is no event',
    (c) => Object.assign(c.sources.visits!, { key: ['id'], newestBy: ['drop'] }),
    'sources.visits.newestBy: given ["drop"], expected no such setting: only events have versions',
  ],
  ...[
    ['a', 'b'],
    ['drop', 'drop'],
    ['a', 'drop', 'b'],
    ['a', 'a'],
  ].map((newestBy): [string, (config: Input) => void, string] => [
    `versions by ${newestBy}`,
    (c) => Object.assign(c.sources.orders!, { key: ['id'], newestBy }),
    `sources.orders.newestBy: given ${JSON.stringify(newestBy)}, expected 'drop' and one column or expression, each at most once`,
  ]),
  [
    'a snapshot that holds every day',
    (c) => (c.features = { lateDays: 0 }),
    'features.lateDays: given 0, expected a number above 0',
  ],
  [
    'a format that is not read',
    (c) => (c.sources.orders!.format = 'xlsx'),
    'sources.orders.format: given "xlsx", expected one of "csv", "jsonl", "parquet"',
  ],
  [
    'a table that there is not',
    (c) => (c.sources.orders!.table = 'orders'),
    'sources.orders.table: given "orders", expected a known "table": one of events, items, users, labels, unlabelled, treatments, identities',
  ],
  [
    'events without a time',
    (c) => (c.sources.orders!.columns = { user: 'customer', type: "'view'" }),
    'sources.orders.columns.time: given nothing, expected a string',
  ],
  [
    'an empty expression',
    (c) => (c.sources.orders!.columns = { user: '', time: 'at', type: "'view'" }),
    'sources.orders.columns.user: given "", expected a DuckDB SQL expression or a column name',
  ],
  [
    'a column that events do not have',
    (c) => (c.sources.orders!.columns = { user: 'u', time: 'at', type: "'view'", colour: 'c' }),
    'sources.orders.columns.colour: unknown setting; remove it or check its spelling',
  ],
  [
    'attributes of events',
    (c) => (c.sources.orders!.attributes = { numbers: ['age'] }),
    'sources.orders.attributes: unknown setting; remove it or check its spelling',
  ],
  [
    'a policy for duplicates that there is not',
    (c) => (c.sources.orders!.duplicates = 'first'),
    'sources.orders.duplicates: given "first", expected one of "keep", "drop"',
  ],
  [
    'key columns as one text',
    (c) => (c.sources.orders!.key = 'order_id'),
    'sources.orders.key: given "order_id", expected a list',
  ],
  [
    "a source's time zone that there is not",
    (c) => (c.sources.orders!.timeZone = 'CET+1'),
    `sources.orders.timeZone: given "CET+1", expected ${ZONE}`,
  ],
  [
    'a delimiter of two characters',
    (c) => (c.sources.orders!.csv = { delimiter: '||' }),
    'sources.orders.csv.delimiter: given "||", expected a text of exactly 1 character',
  ],
  [
    'a tolerance below zero',
    (c) => (c.sources.orders!.toleranceHours = -1),
    'sources.orders.toleranceHours: given -1, expected a number of at least 0',
  ],
  [
    'a rule that does what there is not',
    (c) => (c.sources.orders!.rules = [{ name: 'big', when: 'amount > 9', action: 'delete' }]),
    'sources.orders.rules.0.action: given "delete", expected one of "flag", "quarantine"',
  ],
  [
    'a rule without a condition',
    (c) => (c.sources.orders!.rules = [{ name: 'big' }]),
    'sources.orders.rules.0.when: given nothing, expected a string',
  ],
  [
    'a task of no kind',
    (c) => (c.tasks.purchase = { horizonDays: 30 }),
    'tasks.purchase.kind: given nothing, expected a known "kind": one of event, absence, next, value, demand, label, uplift',
  ],
  [
    'two tasks of one name but for its case',
    (c) => Object.assign(c.tasks, { Purchase: { kind: 'event', horizonDays: 30 } }),
    'tasks.Purchase: given "Purchase", expected a name that differs from "purchase" by more than its case: both name columns of the export',
  ],
  [
    'profiles that are neither on nor settings',
    (c) => (c.exports = { profiles: 'yes' }),
    'exports.profiles: given "yes", expected true, false, or settings such as { gapDays: 30 }',
  ],
  [
    'an action that is worth a number of orders',
    (c) => {
      Object.assign(c.tasks, { often: { kind: 'value', of: 'orders', horizonDays: 30 } });
      c.exports = { actions: { mail: { task: 'purchase', lift: 0.1, worth: 'often' } } };
    },
    'exports.actions.mail.worth: given "often", expected an amount, or a task of kind "value" that is of money (there are: none)',
  ],
  [
    'a task without a horizon',
    (c) => (c.tasks.purchase = { kind: 'event' }),
    'tasks.purchase.horizonDays: given nothing, expected a number',
  ],
  [
    'a horizon of half a day',
    (c) => (c.tasks.purchase!.horizonDays = 0.5),
    'tasks.purchase.horizonDays: given 0.5, expected a whole number',
  ],
  [
    'a horizon of no days',
    (c) => (c.tasks.purchase!.horizonDays = 0),
    'tasks.purchase.horizonDays: given 0, expected a number above 0',
  ],
  [
    'an event type that there is not',
    (c) => (c.tasks.purchase!.event = 'buy'),
    'tasks.purchase.event: given "buy", expected one of "view", "search", "cart", "uncart", "favorite", "purchase", "return", "review", "message"',
  ],
  [
    'too long a list',
    (c) => (c.tasks.list = { kind: 'next', horizonDays: 30, k: 101 }),
    'tasks.list.k: given 101, expected a number of at most 100',
  ],
  [
    'a label task over a source that there is not',
    (c) => (c.tasks.bought!.source = 'sessions'),
    'tasks.bought.source: given "sessions", expected the name of a source whose table is "labels" (sources: orders, visits)',
  ],
  [
    'a label task over events',
    (c) => (c.tasks.bought!.source = 'orders'),
    'tasks.bought.source: given "orders", expected the name of a source whose table is "labels" (sources: orders, visits)',
  ],
  [
    'a list of what no item has',
    (c) => (c.tasks.list = { kind: 'next', of: 'brand', horizonDays: 30 }),
    'tasks.list.of: given "brand", expected "item" or a category attribute of a source whose table is "items": "item"',
  ],
  [
    'a forecast of what no item has',
    (c) => (c.tasks.units = { kind: 'demand', of: 'brand', horizonDays: 30 }),
    'tasks.units.of: given "brand", expected "item" or a category attribute of a source whose table is "items": "item"',
  ],
  [
    'a stock that no item has',
    (c) => (c.tasks.units = { kind: 'demand', stock: 'on_hand', horizonDays: 30 }),
    'tasks.units.stock: given "on_hand", expected a number attribute of a source whose table is "items": there are none',
  ],
  [
    'shards that are no power of two',
    (c) => (c.shards = 6),
    'shards: given 6, expected a power of two (1, 2, 4, … 4096)',
  ],
  [
    'no half-lives',
    (c) => (c.features = { halfLives: [] }),
    'features.halfLives: given [], expected a list of at least 1',
  ],
  [
    'too many tokens',
    (c) => (c.features = { tokens: 1000 }),
    'features.tokens: given 1000, expected a number of at most 512',
  ],
  [
    'a text for a number of steps',
    (c) => (c.training = { steps: '100' }),
    'training.steps: given "100", expected a number',
  ],
  [
    'a learning rate of zero',
    (c) => (c.training = { learningRate: 0 }),
    'training.learningRate: given 0, expected a number above 0',
  ],
  [
    'steps that are no number',
    (c) => (c.training = { steps: Number.NaN }),
    'training.steps: given NaN, expected a number',
  ],
  [
    'a momentum of one',
    (c) => (c.training = { optimiser: 'sgd', momentum: 1 }),
    'training.momentum: given 1, expected a number below 1',
  ],
  [
    'heads that do not divide the width',
    (c) => (c.model = { width: 30, heads: 4 }),
    'model.heads: given 4, expected a divisor of model.width, which is 30',
  ],
  [
    'an export format that is not written',
    (c) => (c.exports = { formats: ['csv'] }),
    'exports.formats.0: given "csv", expected one of "parquet", "csv.gz"',
  ],
  [
    'a control group of everyone',
    (c) => (c.exports = { controlShare: 1 }),
    'exports.controlShare: given 1, expected a number of at most 0.5',
  ],
];

describe('a wrong config', () => {
  it('is right before it is spoilt', () => {
    expect(parseConfig(right()).shards).toBe(4);
    expect(parseConfig(right()).tasks.purchase).toEqual({
      kind: 'event',
      event: 'purchase',
      horizonDays: 30,
    });
  });

  it.each(cases)('%s', (_, spoil, line) => {
    const config: Input = right();
    spoil(config);
    expect(messageOf(config)).toBe(`nightjar.config.ts has 1 wrong setting:\n  ${line}`);
  });

  it('is told all of its mistakes at once', () => {
    const config: Input = right();
    config.shop.timeZone = 'Mars';
    config.shards = 3;
    config.extra = 1;
    const [head, ...lines] = messageOf(config).split('\n');
    expect(head).toBe('nightjar.config.ts has 3 wrong settings:');
    expect(lines.map((line) => line.trim().split(':')[0]).sort()).toEqual([
      'extra',
      'shards',
      'shop.timeZone',
    ]);
  });

  it.each([
    ['a text', 'hello', '(the whole config): given "hello", expected an object'],
    ['nothing', null, '(the whole config): given null, expected an object'],
    ['a list', [], '(the whole config): given [], expected an object'],
  ])('is %s', (_, given, line) => {
    expect(messageOf(given)).toBe(`nightjar.config.ts has 1 wrong setting:\n  ${line}`);
  });
});
