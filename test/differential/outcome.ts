import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cleanDrop, parseQuality } from '../../lib/clean/index.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { canonicalJson, EVENT_TYPES } from '../../lib/data/index.ts';
import { getText, openFolderStore } from '../../lib/runtime/index.ts';
import { bytesOf, pseudonyms, rowsOf } from '../clean/stored.ts';
import type { Case } from './generate.ts';

/** What became of a file: the same facts from Nightjar and from the other reading. */
export type Outcome =
  | {
      readonly status: 'read';
      readonly rowsIn: number;
      /** Values of each clean row, in no order. */
      readonly clean: readonly Readonly<Record<string, unknown>>[];
      /** Number of the record, and what was at fault: one setting from Nightjar, all of them from the other reading. */
      readonly quarantined: readonly (readonly [number, readonly string[]])[];
      readonly leftOut: Readonly<Record<string, number>>;
      readonly duplicatesFound: number;
      readonly duplicatesDropped: number;
    }
  | { readonly status: 'refused'; readonly why: string };

/** Cleans a file as a drop, in a folder of its own, and reads back what was written. */
export async function nightjarOutcome(one: Case, bytes: Uint8Array, folder: string): Promise<Outcome> {
  const path = join(folder, one.key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  await utimes(path, one.droppedAt / 1000, one.droppedAt / 1000);
  const store = await openFolderStore(folder, { durable: false });
  const config = parseConfig({ shop: one.shop, sources: { shop: one.source }, tasks: {} });
  const result = await cleanDrop({ store, config, pseudonyms, key: one.key, engine: { threads: 1 } });
  if (!('keys' in result)) throw new Error(`the drop is ${result.status}`);
  const { keys } = result;
  const quality = parseQuality((await getText(store, keys.quality)) ?? '', keys.quality);
  if (quality.status === 'refused')
    return { status: 'refused', why: `${quality.refused.reason}: ${quality.refused.hint}` };
  const read = async (key: string | undefined) => {
    const arrow = key && (await bytesOf(store, key));
    return arrow ? rowsOf(arrow) : [];
  };
  const clean = (await read(keys.clean)).map(valuesOf);
  const rejected = await read(keys.quarantine);
  const { rowsIn, duplicates, quarantinedRows, leftOut } = quality;
  const left = Object.values(leftOut).reduce((sum, rows) => sum + rows, 0);
  if (clean.length !== quality.clean || rejected.length !== quarantinedRows)
    throw new Error('files and counts differ');
  if (clean.length + duplicates.dropped + rejected.length + left !== rowsIn)
    throw new Error('rows were lost');
  return {
    status: 'read',
    rowsIn,
    clean,
    quarantined: rejected.map(({ row, column }) => [Number(row), [String(column)]] as const),
    leftOut,
    duplicatesFound: duplicates.found,
    duplicatesDropped: duplicates.dropped,
  };
}

function valuesOf(row: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (name === 'hash' || name === 'flags') continue;
    if (name === 'user') out.user = pseudonyms.open(String(value));
    else if (name === 'id') out.keyed = value !== null;
    else if (name === 'type') out.type = EVENT_TYPES[Number(value)];
    else out[name] = typeof value === 'bigint' ? Number(value) : (value ?? null);
  }
  return out;
}

/** An outcome in one form: equal outcomes are equal texts. What was at fault with a row is left out. */
export function canonical(outcome: Outcome): string {
  if (outcome.status === 'refused') return canonicalJson({ status: 'refused' });
  const clean = outcome.clean.map((row) => canonicalJson(row)).sort();
  const rows = outcome.quarantined.map(([row]) => row).sort((a, b) => a - b);
  return canonicalJson({ ...outcome, clean, quarantined: rows });
}

/** What refusals of each class say. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  column: /has no column/,
  names: /columns named|has the columns/,
  type: /cannot be read rightly/,
  encoding: /UTF-8|UTF-16|bytes that are no/,
  escape: /if a backslash escapes them/,
  quote: /unclosed quote/,
  delimiter: /first line says that fields are separated by/,
  json: /is a JSON object with a key/,
  container: /broken|holds \d+ files|is a/,
};

/** How two outcomes differ, in words; none where they do not. */
export function differences(ours: Outcome, expected: Outcome): string[] {
  if (ours.status === 'refused' || expected.status === 'refused') {
    if (ours.status !== expected.status) {
      const why = ours.status === 'refused' ? ours.why : 'why' in expected ? expected.why : '';
      return [`Nightjar: ${ours.status}, expected: ${expected.status} (${why})`];
    }
    const known = 'why' in ours && 'why' in expected && REFUSALS[expected.why]?.test(ours.why);
    return known || !('why' in ours && 'why' in expected)
      ? []
      : [`refused for "${ours.why}", expected ${expected.why}`];
  }
  const told: string[] = [];
  for (const fact of ['rowsIn', 'duplicatesFound', 'duplicatesDropped'] as const) {
    if (ours[fact] !== expected[fact]) told.push(`${fact}: ${ours[fact]}, expected ${expected[fact]}`);
  }
  if (canonicalJson(ours.leftOut) !== canonicalJson(expected.leftOut)) {
    told.push(`left out: ${canonicalJson(ours.leftOut)}, expected ${canonicalJson(expected.leftOut)}`);
  }
  told.push(
    ...unmatched(
      'clean',
      ours.clean.map((row) => canonicalJson(row)),
      expected.clean.map((row) => canonicalJson(row)),
    ),
  );
  const rows = (of: Outcome & { status: 'read' }) => of.quarantined.map(([row]) => String(row));
  const faultsOf = (row: string) =>
    [...ours.quarantined, ...expected.quarantined]
      .filter(([other]) => String(other) === row)
      .map(([, all]) => all.join('/'));
  told.unshift(
    ...unmatched('quarantined row', rows(ours), rows(expected)).map(
      (one) => `${one} (${faultsOf(one.split(' ').at(-1)!)})`,
    ),
  );
  for (const [row, [column = '']] of ours.quarantined) {
    const faults = expected.quarantined.filter(([other]) => other === row).flatMap(([, all]) => all);
    if (faults.length > 0 && !faults.includes(column))
      told.push(`row ${row} is quarantined for ${column}, expected ${faults}`);
  }
  return told;
}

/** What one multiset has and the other lacks. */
function unmatched(what: string, ours: readonly string[], expected: readonly string[]): string[] {
  const rest = new Map<string, number>();
  for (const one of ours) rest.set(one, (rest.get(one) ?? 0) + 1);
  for (const one of expected) rest.set(one, (rest.get(one) ?? 0) - 1);
  return [...rest].flatMap(([one, count]) =>
    count === 0 ? [] : [`${what}: ${count > 0 ? 'only Nightjar has' : 'only the other reading has'} ${one}`],
  );
}
