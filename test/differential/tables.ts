import {
  type Cell,
  constantCell,
  epochCell,
  freeCell,
  idCell,
  type Letters,
  momentMs,
  type NumberStyle,
  numberCell,
  timeText,
  tokenCell,
  type Unit,
} from './cells.ts';
import { type Names, quotedName, written } from './names.ts';
import type { Draw } from './random.ts';

export interface ColumnDraft {
  readonly name: string;
  /** What it holds, for formats that have types. */
  readonly role?: string;
  readonly cell: (row: number) => Cell;
}

/** A table before it is written: columns with their cells, and the source that maps them. */
export interface TableDraft {
  readonly format: 'csv' | 'jsonl' | 'parquet';
  readonly columns: ColumnDraft[];
  readonly source: Record<string, unknown>;
  readonly epoch?: Unit | undefined;
}

export interface Surroundings {
  readonly format: TableDraft['format'];
  readonly letters: Letters;
  readonly names: Names;
  readonly currency: string | undefined;
}

const STYLES: readonly (NumberStyle | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { decimal: ',', thousands: '.', marks: [] },
  { decimal: ',', thousands: ' ', marks: ['€', 'EUR'] },
  { decimal: '.', thousands: ',', marks: ['$'] },
  { decimal: ',', thousands: '', marks: [] },
  { decimal: '.', thousands: "'", marks: ['kr.'] },
];

/** What the draws of one table share. */
class Draft {
  readonly columns: ColumnDraft[] = [];
  readonly mapping: Record<string, string> = {};
  readonly draw: Draw;
  readonly around: Surroundings;
  readonly epoch: Unit | undefined;
  readonly style: NumberStyle | undefined;

  constructor(draw: Draw, around: Surroundings) {
    this.draw = draw;
    this.around = around;
    this.epoch = draw.chance(0.3) ? draw.pick(['s', 'ms', 'us', 'ns'] as const) : undefined;
    const style = draw.pick(STYLES);
    this.style = style && around.letters === 'latin' ? { ...style, marks: [] } : style;
  }

  /** Adds a column of a role, and gives it a setting of the mapping. @returns its name */
  add(role: string, cell: (row: number) => Cell, setting?: string): string {
    const name = this.around.names.of(role);
    this.columns.push({ name, role, cell });
    if (setting !== undefined) this.mapping[setting] = written(this.draw, name);
    return name;
  }

  time(role: string, setting?: string): string {
    const { draw, epoch } = this;
    return this.add(
      role,
      () => (epoch && !draw.chance(0.1) ? epochCell(draw, epoch) : constantCell(timeText(draw))),
      setting,
    );
  }

  id(role: string, setting?: string): string {
    return this.add(role, () => idCell(this.draw, this.around.letters), setting);
  }

  number(role: string, setting: string | undefined, whole = false): string {
    return this.add(role, () => numberCell(this.draw, this.style, whole), setting);
  }
}

export function drawTable(draw: Draw, around: Surroundings): TableDraft {
  const draft = new Draft(draw, around);
  const kind = draw.pick(['events', 'events', 'events', 'events', 'items', 'users', 'labels'] as const);
  const own = kind === 'events' ? drawEvents(draft) : drawEntities(draft, kind);
  const source: Record<string, unknown> = { table: kind, columns: draft.mapping, ...own };
  if (draft.epoch) source.epoch = draft.epoch;
  if (draft.style) source.number = draft.style;
  if (draw.chance(0.3)) source.timeZone = draw.pick(['Europe/Berlin', 'America/New_York', 'UTC']);
  if (draw.chance(0.3))
    source.timeZones = { BST: draw.pick(['Europe/London', '+01:00']), IST: 'Asia/Kolkata' };
  if (draw.chance(0.1)) source.missing = ['n/a', 'NULL', 'Null'];
  if (draw.chance(0.35)) source.duplicates = draw.pick(['keep', 'drop']);
  if (draw.chance(0.08)) lack(draft, source);
  if (draw.chance(0.03))
    draft.columns.push({ name: draw.pick(draft.columns).name.toUpperCase(), cell: () => constantCell('x') });
  const columns = draw.chance(0.5) ? draw.shuffled(draft.columns) : [...draft.columns];
  return {
    format: around.format,
    columns: around.format === 'jsonl' ? distinct(columns) : columns,
    source,
    epoch: draft.epoch,
  };
}

/** A JSON object has each key once. */
const distinct = (columns: readonly ColumnDraft[]) =>
  columns.filter(({ name }, i) => columns.findIndex((one) => one.name === name) === i);

/** A column that the file lacks: one that may be lacking, or one that may not. */
function lack({ mapping, draw }: Draft, source: Record<string, unknown>): void {
  const setting = draw.pick(['item', 'session', 'text', 'price']);
  if (source.table !== 'events') return;
  const how = draw.int(0, 2);
  mapping[setting] = how === 0 ? 'gone?' : how === 1 ? 'Gone' : '"not there"';
  if (how === 1) source.optional = ['gone'];
}

function drawEvents(draft: Draft): Record<string, unknown> {
  const { draw, mapping, around } = draft;
  const own: Record<string, unknown> = {};
  draft.id('user', 'user');
  if (around.format === 'parquet') mapping.user = mapping.user!;
  else if (draw.chance(0.1)) mapping.user = `lower(trim(${quotedName(draft.columns[0]!.name)}))`;
  else if (draw.chance(0.08)) {
    mapping.user = `coalesce(${quotedName(draft.id('order'))}, ${quotedName(draft.columns[0]!.name)})`;
  }
  if (around.format !== 'parquet' && draw.chance(0.08)) {
    const two = (n: number) => String(n).padStart(2, '0');
    const name = draft.add('time', () => {
      const date = new Date(momentMs(draw));
      const good = `${two(date.getUTCDate())}.${two(date.getUTCMonth() + 1)}.${date.getUTCFullYear()} ${date.toISOString().slice(11, 16)}`;
      return constantCell(draw.chance(0.9) ? good : draw.pick(['', '31.02.2024 10:00', 'x']));
    });
    mapping.time = `strptime(${quotedName(name)}, '%d.%m.%Y %H:%M')`;
  } else draft.time('time', 'time');
  const types = ['view', 'cart', 'purchase', 'purchase', 'return', ' view ', 'review'];
  if (draw.chance(0.4)) mapping.type = "'purchase'";
  else
    draft.add(
      'type',
      () => constantCell(draw.chance(0.95) ? draw.pick(types) : draw.pick(['', 'buy', 'VIEW'])),
      'type',
    );
  if (draw.chance(0.7)) draft.id('item', 'item');
  if (draw.chance(0.6)) {
    const name = draft.number('quantity', 'quantity', true);
    if (draw.chance(0.15))
      mapping.type = `CASE WHEN ${quotedName(name)}::DOUBLE < 0 THEN 'return' ELSE 'purchase' END`;
  }
  if (draw.chance(0.6)) draft.number('price', 'price');
  if (draw.chance(0.3)) draft.number('amount', 'amount');
  if (around.currency && draw.chance(0.3)) {
    draft.add(
      'currency',
      () =>
        constantCell(
          draw.pick([around.currency!, around.currency!, around.currency!.toLowerCase(), 'USD', '']),
        ),
      'currency',
    );
  }
  if (draw.chance(0.4)) draft.id('session', 'session');
  if (draw.chance(0.4)) draft.add('text', () => freeCell(draw, around.letters), 'text');
  if (draw.chance(0.15)) {
    const name = draft.add('status', () => constantCell(draw.pick(['paid', 'paid', 'refunded', ''])));
    own.where = { paid: `${quotedName(name)} = 'paid'` };
  }
  if (draw.chance(0.3)) {
    const order = draft.id('order');
    own.key = [order, ...(draw.chance(0.4) ? [draft.id('line')] : [])].map((name) => written(draw, name));
    if (draw.chance(0.5))
      own.newestBy = [written(draw, draft.time('updated')), ...(draw.chance(0.5) ? ['drop'] : [])];
  }
  if (around.format !== 'parquet' && !own.key && draw.chance(0.08)) drawFill(draft, own);
  if (draw.chance(around.format === 'csv' ? 0.06 : 0.15)) drawList(draft, own);
  else if (around.format === 'jsonl' && draw.chance(0.15)) drawPath(draft);
  return own;
}

/** An order whose fields stand on its first line alone. */
function drawFill({ draw, columns, around, ...draft }: Draft, own: Record<string, unknown>): void {
  const by = around.names.of('order');
  columns.push({ name: by, role: 'order', cell: () => constantCell(draw.pick(['#1', '#2', '#3', ''])) });
  const filled = columns.filter(({ role }) => role === 'user' || role === 'time').slice(0, draw.int(1, 2));
  for (const column of filled) {
    const at = columns.indexOf(column);
    columns[at] = { ...column, cell: (row) => (draw.chance(0.5) ? constantCell('') : column.cell(row)) };
  }
  own.fill = { by, columns: filled.map(({ name }) => name) };
  void draft;
}

/** A list in each record: JSON in text, a list in lines of JSON, a list column in parquet. */
function drawList(draft: Draft, own: Record<string, unknown>): void {
  const { draw, mapping, around } = draft;
  const name = draft.add('list', () => {
    const count = draw.int(0, 3);
    const element = () => {
      const sku = draw.pick(['"A"', '"B"', '"17850.0"', '17850', 'null', '"é"']);
      return `{"sku":${sku},"qty":${draw.pick(['1', '2', '-3', 'null'])},"price":${draw.pick(['9.5', '12', '0.05'])}}`;
    };
    const list = `[${Array.from({ length: count }, element).join(',')}]`;
    const text = draw.chance(0.9) ? list : draw.pick(['', 'null', element(), '[', '"text"', '17']);
    return around.format === 'jsonl' && text !== '' && text !== '['
      ? { text, json: text }
      : constantCell(text);
  });
  own.unnest =
    around.format === 'jsonl' && /^\w+$/.test(name) && draw.chance(0.5) ? `$.${name}` : quotedName(name);
  mapping.item = 'element.sku';
  if (draft.style === undefined) {
    mapping.quantity = 'element.qty';
    mapping.price = 'element.price';
  }
  if (draw.chance(0.3)) mapping.session = 'element_number';
  if (draw.chance(0.3)) delete own.key;
  if (own.key === undefined) delete own.newestBy;
}

/** A value one level down in lines of JSON. */
function drawPath(draft: Draft): void {
  const { draw, mapping } = draft;
  const name = draft.add('context', () => {
    const inner = draw.pick([
      '{"session":"s1","page":1}',
      '{"session":17850}',
      '{"session":null}',
      '{}',
      'null',
    ]);
    return { text: inner, json: inner };
  });
  const plain = /^\w+$/.test(name);
  mapping.session =
    plain && draw.chance(0.5) ? `json ->> '$.${name}.session'` : `${quotedName(name)}.session`;
}

function drawEntities(draft: Draft, kind: 'items' | 'users' | 'labels'): Record<string, unknown> {
  const { draw, around } = draft;
  const own: Record<string, unknown> = {};
  if (kind === 'items') draft.id('item', 'item');
  if (kind === 'users' || (kind === 'labels' && draw.chance(0.3))) draft.id('user', 'user');
  if (kind === 'labels') draft.id('label', 'label');
  if (kind === 'labels' && draw.chance(0.4)) {
    draft.add('split', () => constantCell(draw.pick(['train', 'test', 'valid', 'Train', ''])), 'split');
  }
  if (kind !== 'labels' && draw.chance(0.6)) draft.time('valid_from', 'valid_from');
  if (kind === 'users' && draw.chance(0.4)) {
    const addresses = [
      'Ann@shop.example',
      ' bob@shop.example ',
      'none',
      '',
      '\u200bcy@shop.example',
      'a@b@c',
    ];
    draft.add(
      'email',
      () => constantCell(draw.pick(around.letters === 'all' ? addresses : addresses.slice(0, 4))),
      'email',
    );
  }
  const attributes: Record<string, unknown> = {};
  const list = draw.chance(0.5);
  for (const attribute of ['numbers', 'categories', 'texts'] as const) {
    if (!draw.chance(0.6)) continue;
    const name =
      attribute === 'numbers'
        ? draft.number('numbers', undefined)
        : draft.add(attribute, () =>
            attribute === 'texts' ? freeCell(draw, around.letters) : category(draw),
          );
    attributes[attribute] = list && /^[\w ]+$/.test(name) ? [name] : { [`a_${attribute}`]: quotedName(name) };
  }
  if (Object.keys(attributes).length > 0) own.attributes = attributes;
  if (kind === 'items' && draw.chance(0.3)) own.key = [quotedName(draft.columns[0]!.name)];
  return own;
}

const category = (draw: Draw): Cell =>
  draw.chance(0.3)
    ? tokenCell(draw.pick(['1', '2.5', 'true']))
    : constantCell(draw.pick(['red', 'Red', '', 'none', 'dunkel grün', '3.0']));
