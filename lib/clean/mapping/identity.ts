import { quoteText } from '../duckdb/index.ts';
import type { Field } from './fields.ts';
import { idOf } from './texts.ts';

/** Identity of rows by the key that a source's config names. */
export interface KeySql {
  readonly stages: readonly (readonly string[])[];
  /** 32 hex digits of MD5, NULL where all key values are missing. */
  readonly hash: string;
  /** Condition: a key value lost its digits in a float. */
  readonly lost: string;
}

/**
 * MD5 over the source's name and the values of its key in their one form as ids, so that an event has one identity in whatever
 * file and format it comes. NULL where all of them are missing.
 */
export function keyOf(
  sourceName: string,
  fields: readonly Field[],
  missing: readonly string[],
): KeySql | undefined {
  if (fields.length === 0) return undefined;
  const ids = fields.map((field, i) => idOf(field, `k${i}`, missing));
  const depth = Math.max(...ids.map(({ stages }) => stages.length));
  const stages = Array.from({ length: depth }, (_, level) => ids.flatMap((id) => id.stages[level] ?? []));
  const values = ids.map(({ id }) => id);
  const hash = `md5(to_json([${[quoteText(sourceName), ...values].join(', ')}])::VARCHAR)`;
  return {
    stages: [
      ...stages,
      [`CASE WHEN coalesce(${values.join(', ')}) IS NOT NULL THEN ${hash} END AS key_hash`],
    ],
    hash: 'key_hash',
    lost: ids.map(({ lost }) => `(${lost})`).join(' OR '),
  };
}
