import type { ColumnProfile } from './columns.ts';

/** What a column may be in the table of events. */
export type Role =
  | 'user'
  | 'time'
  | 'item'
  | 'price'
  | 'amount'
  | 'quantity'
  | 'session'
  | 'currency'
  | 'type'
  | 'status'
  | 'id';

/** A column that may play a role, and why. */
export interface Candidate {
  readonly column: ColumnProfile;
  readonly why: string;
}

interface RoleRule {
  /** Names that say it, the surest first. They are compared in lower case, with blanks for other signs between words. */
  readonly names: readonly RegExp[];
  /** The name alone is not enough: what must stand in the column. */
  readonly fits: (column: ColumnProfile) => boolean;
  /** What of the content speaks for it, for the person who reads the guess. */
  readonly content: (column: ColumnProfile) => string;
  /** A column whose name says nothing may have it, too. */
  readonly byContent?: true;
}

const ID = '( (id|ids|no|nr|num|number|key|code|ref|uuid|hash))?';
const thousands = (n: number) => n.toLocaleString('en-GB');
const different = ({ distinct, rows }: ColumnProfile) =>
  `${thousands(distinct)} different values in ${thousands(rows)} rows`;
const isId = ({ time, list, filled }: ColumnProfile) =>
  filled > 0 && !list && (time === undefined || time.epoch !== undefined);
const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));

const RULES: Readonly<Record<Role, RoleRule>> = {
  time: {
    names: [
      /^(event|order(ed)?|purchase[d]?|invoice|transaction|created|placed|sold)? ?(time ?stamp|date ?time|time|date|ts|at|on|datum|zeit)( (gmt|utc))?$/,
      /(created|ordered|placed|purchased|order|event|invoice).*(time|date|at)|bestell.*(datum|zeit)|datum|date|time/,
    ],
    fits: ({ time, filled, rows }) => time !== undefined && filled > rows / 2,
    content: ({ time }) =>
      time?.epoch
        ? `numbers since 1970 (${time.epoch})`
        : time?.format
          ? `reads as ${time.format}`
          : 'reads as times',
    byContent: true,
  },
  user: {
    names: [
      new RegExp(`^(customer|user|client|visitor|member|shopper|buyer|account|consumer|kunden?|kunde)${ID}$`),
      new RegExp(`^(.* )?(customer|user|client|visitor|member|buyer|kunden?)${ID}( .*)?$`),
      /e ?mail/,
      /(customer|user|client|visitor|member|shopper|buyer|account|kunde|household|person)/,
    ],
    fits: (column) => isId(column) && column.distinct > 1 && column.filled > column.rows / 4,
    content: different,
  },
  item: {
    names: [
      new RegExp(`^(sku|item|product|article|artikel|stock ?code|variant|asin|ean|gtin|upc|isbn)${ID}$`),
      new RegExp(`^(.* )?(sku|item|product|article|artikel|variant)${ID}$`),
      /(sku|item|product|article|artikel|stock ?code)/,
      /^(description|title|name)$/,
    ],
    fits: (column) => isId(column) && column.distinct > 1,
    content: different,
  },
  quantity: {
    names: [/^(qty|quantity|menge|anzahl|units|pieces|count)$/, /(qty|quantity|menge|anzahl)/],
    fits: ({ number, whole }) => number !== undefined && whole,
    content: () => 'whole numbers',
  },
  price: {
    names: [
      /^(unit|item|line ?item)? ?(price|preis)$/,
      /(unit|item|each).*(price|cost|preis)|(price|preis).*(unit|item)/,
      /price|preis/,
    ],
    fits: ({ number }) => number !== undefined,
    content: () => 'numbers',
  },
  amount: {
    names: [
      /^(line|row|item)? ?(total|amount|revenue|sum|value|betrag|umsatz)$/,
      /(line|row).*(total|amount|value)|amount|revenue|betrag|umsatz/,
    ],
    fits: ({ number }) => number !== undefined,
    content: () => 'numbers',
  },
  session: {
    names: [
      new RegExp(`^(order|invoice|basket|bestellung|bestell|bon|receipt|transaction|checkout)${ID}$`),
      /^(session|visit)( id)?$/,
      /(order|invoice|basket|receipt|transaction|session|bestell).*(id|no|nr|number)/,
    ],
    fits: (column) => isId(column) && column.distinct > 1,
    content: different,
  },
  currency: {
    names: [/currency|waehrung|währung/],
    fits: ({ values }) =>
      values.length > 0 && values.every(({ value }) => CURRENCIES.has(value.toUpperCase())),
    content: ({ values }) =>
      `codes: ${values
        .slice(0, 3)
        .map(({ value }) => value)
        .join(', ')}`,
  },
  type: {
    names: [
      /^(event|action|activity|interaction)( (type|name|kind))?$/,
      /(event|action).*(type|name|kind)?|^type$|^kind$/,
    ],
    fits: ({ distinct, time, number }) => distinct > 0 && distinct <= 40 && !time && !number,
    content: different,
  },
  status: {
    names: [/status|state|zustand/],
    fits: ({ distinct, time, number }) => distinct > 0 && distinct <= 30 && !time && !number,
    content: different,
  },
  id: {
    names: [
      /^(event|order ?line|line|row|record|position|message)( item)? ?(id|no|key|uuid)$/,
      /^(id|uuid)$/,
    ],
    fits: ({ distinct, filled, rows, list }) => !list && rows > 0 && distinct === rows && filled === rows,
    content: () => 'different in every row',
  },
};

/** A name as words: 'CustomerID', 'customer_id' and 'Customer-Id' are 'customer id'. */
const words = (name: string): string =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();

/** Names of times that are of something else than the event. */
const OTHER_TIMES =
  /(updat|modif|chang|ship|deliver|birth|due|expir|paid|export|load|cancel|sent|received|registr|signup)/;

/**
 * Columns that may play a role, the likeliest first: by name, and among equals as they stand in the file.
 * @param taken columns that play another role already
 */
export function candidatesFor(
  role: Role,
  columns: readonly ColumnProfile[],
  taken: ReadonlySet<string> = new Set(),
): Candidate[] {
  const { names, fits, content, byContent } = RULES[role];
  const scored = columns
    .filter((column) => !taken.has(column.name) && fits(column))
    .map((column) => {
      const name = words(column.name);
      const place = names.findIndex((pattern) => pattern.test(name));
      const named = place >= 0;
      const other = role === 'time' && OTHER_TIMES.test(name) ? names.length + 1 : 0;
      const why = `${named ? 'by its name' : 'by what stands in it'}; ${content(column)}`;
      return { column, why, rank: (named ? place : names.length) + other, named };
    })
    .filter(({ named }) => named || byContent);
  return scored.sort((a, b) => a.rank - b.rank);
}
