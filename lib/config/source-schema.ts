import { z } from 'zod';
import { fixedOffset, isZoneName } from '../data/zones.ts';
import { name, timeZone } from './parts.ts';

/** A SQL expression of DuckDB over the source's own columns (all of which are text for csv and jsonl). */
const sql = z.string().min(1, 'a DuckDB SQL expression or a column name');

/** What an abbreviation in times means. */
const zoneOrOffset = z
  .string()
  .refine(
    (text) => isZoneName(text) || fixedOffset(text) !== undefined,
    'an IANA time zone such as "Europe/London", or an offset such as "+01:00"',
  );
const oneByte = z
  .string()
  .length(1)
  .refine((char) => char.charCodeAt(0) < 128, 'one ASCII character');

/** Attributes of items, users or labelled rows, by kind. A list is shorthand for columns of that very name. */
const attributeSet = z.union([z.array(z.string()), z.record(z.string(), sql)]);
const attributes = z
  .strictObject({
    /** Imputed by the training median, standardised. */
    numbers: attributeSet.optional(),
    /** One-hot over the training part's categories, rare ones joined. */
    categories: attributeSet.optional(),
    /** Hashed words and word pairs. */
    texts: attributeSet.optional(),
  })
  .default({});

const rule = z.strictObject({
  name,
  /** SQL condition over the canonical columns (events: user, time, type, item, quantity, price, amount, …). */
  when: sql,
  action: z.enum(['flag', 'quarantine']).default('flag'),
});

const sourceCommon = {
  /** Where under `drop/` the files of this source land; default: `<source name>/`. */
  prefix: z
    .string()
    .refine(
      (prefix) => !/^\/|(^|\/)\.{1,2}(\/|$)|\/\/|\\/.test(prefix),
      'folders below drop/ such as "shop/orders/": without a / at the start, without . and ..',
    )
    .optional(),
  format: z.enum(['csv', 'jsonl', 'parquet']),
  /** csv only. `columns` names the columns of a file without a header line. */
  csv: z
    .strictObject({
      delimiter: oneByte.default(','),
      quote: oneByte.default('"'),
      /** What stands before a quote inside a quoted field: the quote itself (doubled quotes), or a backslash. */
      escape: oneByte.optional(),
      columns: z.array(z.string()).optional(),
      /** Lines before the header, or before the first record. */
      skipLines: z.number().int().nonnegative().default(0),
    })
    .prefault({}),
  /** Of csv and jsonl files without a byte order mark: a label of the WHATWG encoding standard; default: UTF-8. */
  encoding: z
    .string()
    .refine(isEncoding, 'an encoding such as "windows-1252", "latin1", "utf-16le" or "shift_jis"')
    .optional(),
  /** How numbers in texts are written; every value must be written so. Default: a decimal point and nothing else. */
  number: z
    .strictObject({
      decimal: z.enum(['.', ',']).default('.'),
      /** Between groups of three digits. */
      thousands: z.enum(['', '.', ',', ' ', "'", '’', '_']).default(''),
      /** Currency signs and units around a number, taken off. */
      marks: z
        .array(
          z
            .string()
            .regex(/[^\s+()-]/, 'a sign or a word')
            .regex(/^\D+$/, 'a mark without digits'),
        )
        .default([]),
    })
    .refine(({ decimal, thousands }) => decimal !== thousands, 'another sign for thousands than for decimals')
    .optional(),
  /** The unit of times that are plain numbers since 1970; default: milliseconds, and a number in a text is no time. */
  epoch: z.enum(['s', 'ms', 'us', 'ns']).optional(),
  /** Parses timestamps that carry no offset; default: the shop's zone. */
  timeZone: timeZone.optional(),
  /** What abbreviations of zones in times mean: { BST: 'Europe/London' }. */
  timeZones: z.record(z.string(), zoneOrOffset).default({}),
  /** Texts that stand for no value in ids, times and numbers, in place of the default list. */
  missing: z.array(z.string()).optional(),
  /** Columns that some files lack: NULL there. */
  optional: z.array(z.string()).default([]),
  /** A list in each record (a column, or in jsonl a path such as $.line_items): each of its elements becomes a row. */
  unnest: sql.optional(),
  /** Columns that are filled on the first line of a group alone: other lines of it get the same value. */
  fill: z.strictObject({ by: z.string(), columns: z.array(z.string()).min(1) }).optional(),
  /** Conditions that rows of the table meet, by name; rows that do not are left out and counted. */
  where: z.record(name, sql).default({}),
  /** Columns that identify a row; without them, equal lines within one drop are duplicates. */
  key: z.array(sql).min(1).optional(),
  /**
   * Of events with a `key`: which of several versions counts. 'drop' is the time of the drop, anything else a column or
   * expression, compared in this order; default: ['drop'].
   */
  newestBy: z.array(sql).min(1).optional(),
  /** What happens to rows of the same identity after the first. */
  duplicates: z.enum(['keep', 'drop']).default('drop'),
  /** An event may be this much later than its drop's own time before it is impossible. */
  toleranceHours: z.number().nonnegative().default(48),
  rules: z.array(rule).default([]),
};

const eventSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('events'),
  columns: z.strictObject({
    user: sql,
    time: sql,
    /** One of view, search, cart, uncart, favorite, purchase, return, review, message. */
    type: sql,
    item: sql.optional(),
    quantity: sql.optional(),
    /** Price of one unit in major units (12.50); stored as integer minor units. */
    price: sql.optional(),
    /** Money of the whole line in major units; default: quantity x price. */
    amount: sql.optional(),
    /** Code of the currency of price and amount: rows in another one than `shop.currency` are quarantined. */
    currency: sql.optional(),
    session: sql.optional(),
    text: sql.optional(),
  }),
});

const itemSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('items'),
  columns: z.strictObject({ item: sql, valid_from: sql.optional() }),
  attributes,
});

const userSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('users'),
  columns: z.strictObject({
    user: sql,
    valid_from: sql.optional(),
    /** The address to write to. Only its SHA-256 is kept, for audiences; no model sees it. */
    email: sql.optional(),
  }),
  attributes,
});

const labelSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('labels'),
  columns: z.strictObject({
    user: sql.optional(),
    label: sql,
    /** 'train' or 'test' (also 'valid'); `row_number` counts the file's rows from 0, `crc32(text)` is at hand. */
    split: sql.optional(),
  }),
  /**
   * In place of columns.split: a split by time. The test rows are the latest; validation rows are the latest of the
   * others. Attributes that are the column itself are left out.
   */
  split: z
    .strictObject({
      by: sql,
      /** `by` is a time: rows from this shop day on are for testing. */
      testFrom: z.iso.date('a day such as "2018-11-01"').optional(),
      /** `by` has a few values: those of the training part in their order in time, and those that are for testing. */
      train: z.array(z.string()).min(1).optional(),
      test: z.array(z.string()).min(1).optional(),
    })
    .optional(),
  attributes,
});

/** Rows that nobody has labelled yet, such as the messages of a day: a `label` task that names the source answers them. */
const unlabelledSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('unlabelled'),
  columns: z.strictObject({
    /** The shop's own id of the row, by which it finds the answer. */
    id: sql,
    /** When the row came. */
    time: sql,
    user: sql.optional(),
  }),
  /** Named as those of the labelled rows that are learnt from. */
  attributes,
});

/** Who was treated by which campaign, and how: what `nightjar lift` compares. No model reads it. */
const treatmentSource = z.strictObject({
  ...sourceCommon,
  table: z.literal('treatments'),
  columns: z.strictObject({
    user: sql,
    campaign: sql,
    /** The group that the user was put into, the control group's name for those who were held out. */
    arm: sql,
    /** When the treatment, or being held out, began. */
    time: sql,
  }),
});

/** Which anonymous id turned out to be which user: their events are the user's from then on, those of before included. */
const identitySource = z.strictObject({
  ...sourceCommon,
  table: z.literal('identities'),
  columns: z.strictObject({
    /** Of a visitor who is not known yet: a cookie, a device. Written as the events of it name their user. */
    anonymous: sql,
    /** Who it turned out to be: a customer, or another anonymous id. */
    user: sql,
    /** When that became known. */
    time: sql,
  }),
});

/** Where rows come from and what their columns mean, by the table that they fill. */
export const source = z.discriminatedUnion('table', [
  eventSource,
  itemSource,
  userSource,
  labelSource,
  unlabelledSource,
  treatmentSource,
  identitySource,
]);

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}
