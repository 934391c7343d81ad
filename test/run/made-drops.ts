import { recordDigest } from '../../lib/clean/digests.ts';
import { findKeys } from '../../lib/clean/index.ts';
import { type Config, type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { digestOf, sha256 } from '../../lib/data/index.ts';
import { daysKey } from '../../lib/features/index.ts';
import { getText, type ObjectStore, putJson } from '../../lib/runtime/index.ts';

/** What a drop of these tests leads to, told by its first word; the second is the shop day it begins on. */
export const KINDS = ['rows', 'rows', 'rows', 'refused', 'none', 'withdrawn'] as const;

/**
 * Does to a drop what cleaning does, as far as a tick sees it: digest, quality record and, where asked for, day rows. The
 * rows themselves are nobody's business here.
 */
export async function settle(
  store: ObjectStore,
  config: Config,
  key: string,
  days: 'with days' | 'without days',
): Promise<void> {
  const text = await getText(store, key);
  const info = await store.head(key);
  if (text === undefined || !info) return;
  const sha = sha256(text);
  await recordDigest(store, info, digestOf(sha));
  const keys = (await findKeys(store, config, { ...info, digest: digestOf(sha) }))!;
  const shared = {
    dropId: keys.dropId,
    key,
    revision: keys.revision,
    etag: info.etag,
    source: keys.named?.name ?? null,
    table: keys.named?.source.table ?? null,
    sha256: keys.named ? sha : null,
    bytes: info.size,
  };
  const [kind, day] = text.split(' ');
  if (!keys.named || kind === 'refused') {
    const refused = { reason: `it says ${text}`, hint: 'none' };
    await putJson(store, keys.quality, { ...shared, status: 'refused', refused }, { ifAbsent: true });
    return;
  }
  const { table } = keys.named.source;
  const clean = kind === 'rows' ? 5 : 0;
  const dated = table === 'events' && clean > 0;
  const quality = {
    ...shared,
    status: 'clean',
    droppedAt: info.lastModified.getTime(),
    rowsIn: 7,
    clean,
    duplicates: { found: 0, policy: 'drop', dropped: 0 },
    quarantinedRows: 0,
    quarantined: {},
    leftOut: { no: 7 - clean },
    withdrawn: table === 'events' && kind === 'withdrawn' ? 2 : 0,
    flagged: {},
    absent: [],
    keyValues: {},
    minDay: dated ? Number(day) : null,
    maxDay: dated ? Number(day) + 1 : null,
    users: 3,
  };
  await putJson(store, keys.quality, quality, { ifAbsent: true });
  if (dated && days === 'with days')
    await store.put(daysKey(config, keys.clean!), 'days', { ifAbsent: true });
}

const columns = { user: 'u', time: 't', type: "'purchase'" } as const;

/** Settings that read the same drops in different ways. */
export function variants(): Config[] {
  const base = {
    shop: { timeZone: 'Europe/Berlin' },
    sources: {
      log: { format: 'csv', table: 'events', columns, key: ['u'] },
      web: { format: 'csv', table: 'events', columns },
      seen: { format: 'csv', table: 'labels', columns: { label: 'bought' } },
    },
    tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 7 } },
    nightly: { expect: ['web'] },
    shards: 2,
  } satisfies ConfigInput;
  const { log, web, seen } = base.sources;
  return [
    base,
    { ...base, sources: { log: { ...log, columns: { ...columns, type: "'view'" } }, web, seen } },
    { ...base, sources: { log, web, seen, late: { ...web, prefix: 'log/late/' } } },
    { ...base, sources: { web, seen } },
  ].map((input) => parseConfig(input));
}
