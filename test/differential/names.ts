import { type Draw, isLatin } from './random.ts';

/** Names of columns by what they hold: usual ones, ones that mean something inside, and ones that are awkward to write. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  user: ['user', 'customer', 'Customer ID', 'USER_ID', 'v_user', 'subject', 'nj_user', 'Kunde Nr.', 'rowid'],
  time: ['time', 'placed', 'Created at', 'v_instant', 'h', 'ts', 'Höhe der Zeit', 'local'],
  type: ['type', 'action', 'event name', 'bad', 'v_type'],
  item: ['item', 'sku', 'Lineitem sku', 'o_item', 'ROWID', 'c0', 'n'],
  quantity: ['quantity', 'qty', 'x0', 'e', 'Menge (Stück)'],
  price: ['price', 'unit price', 'Preis €', 'c1', 'p0', 'values'],
  amount: ['amount', 'total', 'Line total', 'v_amount'],
  currency: ['currency', 'cur'],
  session: ['session', 'visit', 'order_no', 'g1'],
  text: ['text', 'note', 'json_text', 'line'],
  order: ['order_id', 'Name', 'key_hash', 'k0'],
  line: ['line_no', 'element_no', 'same'],
  updated: ['updated_at', 'version', 'v_version'],
  status: ['status', 'Financial Status', 'broken'],
  list: ['items', 'line_items', 'list'],
  context: ['context', 'props'],
  valid_from: ['valid_from', 'since', 'v_valid_from'],
  email: ['email', 'E-Mail', 'v_email'],
  label: ['label', 'won', 'Y'],
  split: ['split', 'part'],
  numbers: ['age_days', 'x', 'size', 'u0'],
  categories: ['country', 'k', 'f0', 'colour'],
  texts: ['title', 'about us', 'listed'],
};
const NOISE = [
  ...[
    'nj_row',
    'nj_bad',
    'RowID',
    'RowId',
    'rank',
    'flags',
    'row_number',
    'file_name',
    'key',
    'select',
    'from',
  ],
  ...[
    'none',
    '*',
    "it's",
    'a"b',
    '--',
    'c2',
    'x1',
    'o_time',
    'Unnamed: 0',
    'a.b',
    '$.x',
    'a/b',
    'e\u0301',
    '\u00e9',
  ],
  ...[
    'null',
    'NULL',
    '1',
    'json',
    'element',
    'text',
    'raw',
    'given',
    'tried',
    'nth',
    'place',
    '語',
    'a\nb',
    'a\0b',
  ],
];

const LOOSE = (name: string): string => name.trim().normalize('NFC').toLowerCase();

/** Takes names for columns: no two alike unless that is asked for. */
export class Names {
  readonly #draw: Draw;
  readonly #taken = new Set<string>();
  readonly #latin: boolean;

  constructor(draw: Draw, latin: boolean) {
    this.#draw = draw;
    this.#latin = latin;
  }

  of(role: string): string {
    const list = ROLES[role] ?? [role];
    const free = this.#fitting(list);
    const name = free.length > 0 ? this.#draw.pick(free) : `${role}_${this.#taken.size}`;
    const shown = !this.#latin && this.#draw.chance(0.15) ? name.normalize('NFD') : name;
    const blank = this.#draw.chance(0.04) ? ` ${shown} ` : shown;
    this.#taken.add(LOOSE(blank));
    return blank;
  }

  noise(): string {
    const free = this.#fitting(NOISE);
    const name = free.length > 0 ? this.#draw.pick(free) : `noise_${this.#taken.size}`;
    this.#taken.add(LOOSE(name));
    return name;
  }

  #fitting(list: readonly string[]): string[] {
    return list.filter((name) => !this.#taken.has(LOOSE(name)) && (!this.#latin || isLatin(name)));
  }
}

/** A name as an expression writes it: in quotes, or bare, where case, blanks and Unicode forms do not matter. */
export function written(draw: Draw, name: string): string {
  if (draw.chance(0.4)) return quotedName(name);
  if (/['"*?]|--/.test(name) || draw.chance(0.5)) return /["?*']|--/.test(name) ? quotedName(name) : name;
  const other = draw.pick([
    name.toUpperCase(),
    name.toLowerCase(),
    name.normalize('NFC'),
    name.normalize('NFD'),
  ]);
  return LOOSE(other) === LOOSE(name) ? other : name;
}

export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
