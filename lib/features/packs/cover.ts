import { DataError, formatDay } from '../../data/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import type { ShardedFiles } from '../sharded-files.ts';
import { daysSpec } from '../spec.ts';
import { type Held, heldBy } from './pack-file.ts';

/** What is packed: day rows, or the identities of lines. */
export type PackKind = 'days' | 'keys';

/** The file of one drop that may be read from a pack instead. */
export interface PackInput extends Held {
  readonly key: string;
}

/** A file to read: of one drop, or a pack of several. */
export interface Source {
  readonly key: string;
  /** Whose rows it holds, by the number of the member. */
  readonly dropIds: readonly string[];
  readonly minDay: number;
  readonly maxDay: number;
}

export const packPrefix = (kind: PackKind): string => `packs/${kind}/${daysSpec()}/`;

/**
 * The span of days whose drops lie in one pack: the month of a drop's last day, and of drops of the years before the last one
 * the year. So the packs of a shop are few, however long its history, and those of old years are written once.
 * @param newest the last day that any drop tells of
 */
function periodOf(maxDay: number, newest: number): string {
  const day = formatDay(maxDay);
  const year = day.slice(0, 4);
  return Number(year) < Number(formatDay(newest).slice(0, 4)) - 1 ? year : day.slice(0, 7);
}

/** Inputs by their period, each in the order of their last days. */
export function byPeriod<T extends Held>(inputs: readonly T[]): Map<string, T[]> {
  const newest = inputs.reduce((last, { maxDay }) => Math.max(last, maxDay), Number.NEGATIVE_INFINITY);
  const ordered = [...inputs].sort((a, b) => a.maxDay - b.maxDay || (a.dropId < b.dropId ? -1 : 1));
  const periods = new Map<string, T[]>();
  for (const input of ordered) {
    const period = periodOf(input.maxDay, newest);
    const own = periods.get(period);
    if (own) own.push(input);
    else periods.set(period, [input]);
  }
  return periods;
}

/**
 * Where the rows of some drops are read from: packs that hold nothing but current revisions of them, then the drops' own
 * files. A pack with one revision that is no longer current is of no use: its rows must not be read. One
 * that is damaged is passed over, as the files of its drops are there.
 */
export async function coverByPacks<T extends PackInput>(
  store: ObjectStore,
  files: ShardedFiles,
  kind: PackKind,
  inputs: readonly T[],
): Promise<{ readonly packs: Source[]; readonly loose: T[]; readonly damaged: ReadonlySet<string> }> {
  const packs: Source[] = [];
  const loose: T[] = [];
  const damaged = new Set<string>();
  const names = await packNames(store, kind);
  for (const [period, own] of byPeriod(inputs)) {
    const left = new Map(own.map((input) => [input.dropId, input]));
    for (const key of names.get(period) ?? []) {
      if (left.size === 0) break;
      const held = await heldIn(files, key);
      if (held === undefined) damaged.add(key);
      if (!held?.every(({ dropId, revision }) => left.get(dropId)?.revision === revision)) continue;
      for (const { dropId } of held) left.delete(dropId);
      packs.push({
        key,
        dropIds: held.map(({ dropId }) => dropId),
        minDay: Math.min(...held.map(({ minDay }) => minDay)),
        maxDay: Math.max(...held.map(({ maxDay }) => maxDay)),
      });
    }
    loose.push(...left.values());
  }
  return { packs, loose, damaged };
}

/** Undefined where the file is no pack, or no more. */
async function heldIn(files: ShardedFiles, key: string): Promise<Held[] | undefined> {
  try {
    return heldBy(await files.metadata(key));
  } catch (error) {
    if (error instanceof DataError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Keys of packs by period, those with the most members first: mostly the first one serves. */
async function packNames(store: ObjectStore, kind: PackKind): Promise<Map<string, string[]>> {
  const prefix = packPrefix(kind);
  const names = new Map<string, string[]>();
  for await (const { key } of store.list(prefix)) {
    const [period = ''] = key.slice(prefix.length).split('/');
    const own = names.get(period);
    // Names begin with the number of members, in digits of equal length.
    if (own) own.unshift(key);
    else names.set(period, [key]);
  }
  return names;
}
