import { z } from 'zod';
import { damaged } from '../data/index.ts';

/** What is known of one version of one drop: the object `quality/<dropId>/<revision>.json`. */
const shared = {
  dropId: z.string(),
  key: z.string(),
  revision: z.string(),
  etag: z.string(),
  source: z.string().nullable(),
  table: z.enum(['events', 'items', 'users', 'labels', 'unlabelled', 'treatments', 'identities']).nullable(),
  /** SHA-256 (hex) and size of the object's bytes as they were dropped. Null when they were not read. */
  sha256: z.string().nullable(),
  bytes: z.number().nullable(),
};

const counts = z.record(z.string(), z.number().int().nonnegative());

const cleaned = z.strictObject({
  ...shared,
  status: z.literal('clean'),
  /**
   * When these bytes were dropped under this key, ms UTC: the first time, however often they were dropped again. Versions
   * of events are compared by it.
   */
  droppedAt: z.number().int(),
  /**
   * Rows of the file: its records, counted apart from the reader, or the elements that `unnest` made of them. rowsIn = clean +
   * duplicates.dropped + quarantinedRows + the sum of leftOut.
   */
  rowsIn: z.number().int().nonnegative(),
  clean: z.number().int().nonnegative(),
  duplicates: z.strictObject({
    /** Rows that equal an earlier row of the drop in their identity, quarantined ones included. */
    found: z.number().int().nonnegative(),
    policy: z.enum(['keep', 'drop']),
    /** Rows left out because an earlier clean row has their identity. */
    dropped: z.number().int().nonnegative(),
  }),
  quarantinedRows: z.number().int().nonnegative(),
  quarantined: counts,
  /** Rows that a condition of `where` takes for none of the table, by its name. */
  leftOut: counts,
  /** Of those, rows that are versions of events, and so take older ones back. Records of before do not say. */
  withdrawn: z.number().int().nonnegative().default(0),
  flagged: counts,
  /** Columns that the config lets files lack and this one lacks: NULL in its rows. */
  absent: z.array(z.string()),
  /** What of the object's key the mapping read: equal bytes under another key may be other rows. */
  keyValues: z.record(z.string(), z.string().nullable()),
  /** First and last shop day (days since 1970-01-01) among clean events; null without events. */
  minDay: z.number().int().nullable(),
  maxDay: z.number().int().nullable(),
  /** Distinct users among the clean rows. */
  users: z.number().int().nonnegative(),
});

const refused = z.strictObject({
  ...shared,
  status: z.literal('refused'),
  refused: z.strictObject({ reason: z.string(), hint: z.string() }),
});

const qualitySchema = z.discriminatedUnion('status', [cleaned, refused]);

export type Quality = z.output<typeof qualitySchema>;
export type CleanedQuality = z.output<typeof cleaned>;
export type RefusedQuality = z.output<typeof refused>;

/**
 * Reads a quality object.
 * @throws DataError when it is none
 */
export function parseQuality(text: string, key: string): Quality {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(key, 'JSON', cause);
  }
  const result = qualitySchema.safeParse(value);
  if (!result.success) throw damaged(key, 'a quality record', result.error);
  return result.data;
}
