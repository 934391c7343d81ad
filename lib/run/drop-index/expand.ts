import type { Config } from '../../config/index.ts';
import { compareKeys, type ObjectStore } from '../../runtime/index.ts';
import type { KnownDrop } from '../inputs.ts';
import type { Referred } from '../manifest.ts';
import { mapParallel } from '../parallel.ts';
import { beginsBefore, dropOf, unknownDrop } from './rows.ts';
import { readRows, type SegmentRows } from './segments.ts';
import { readersOf } from './view.ts';

const AT_ONCE = 8;

/**
 * The drops that a manifest refers to, in ascending order of keys. They are made one by one whenever they are iterated over:
 * a million of them need some 300 MB as they lie there, and several times that as objects.
 * @throws ObjectNotFound where a segment has lapsed
 */
export async function referredDrops(
  store: ObjectStore,
  config: Config,
  { known, rest, why, before }: Referred,
): Promise<Iterable<KnownDrop>> {
  const read = await mapParallel([...known, ...rest], AT_ONCE, (key) => readRows(store, key));
  const places: Found[] = [];
  for (const rows of read.slice(0, known.length)) {
    for (let n = 0; n < rows.count; n++) {
      const row = rows.row(n);
      if (before === undefined || beginsBefore(row, before))
        places.push({ rows, n, key: row.key, known: true });
    }
  }
  places.push(...unknownPlaces(read.slice(0, known.length), read.slice(known.length)));
  // Segments are in order: a sort that goes by runs merges them.
  places.sort((a, b) => compareKeys(a.key, b.key));
  const howRead = readersOf(config);
  return {
    *[Symbol.iterator]() {
      for (const { rows, n, known: isKnown } of places) {
        const row = rows.row(n);
        yield isKnown
          ? dropOf(row, rows.dropId(n))
          : unknownDrop(row, { ...howRead(row), ...(why === undefined ? {} : { why }) });
      }
    },
  };
}

interface Found {
  readonly rows: SegmentRows;
  readonly n: number;
  readonly key: string;
  readonly known: boolean;
}

/** Drops of the rest, each once: those that no other segment knows. */
function unknownPlaces(known: readonly SegmentRows[], rest: readonly SegmentRows[]): Found[] {
  if (rest.length === 0) return [];
  const keys = new Set<string>();
  for (const { count, row } of known) for (let n = 0; n < count; n++) keys.add(row(n).key);
  const last = new Map<string, Found>();
  for (const rows of rest) {
    for (let n = 0; n < rows.count; n++) {
      const { key } = rows.row(n);
      if (!keys.has(key)) last.set(key, { rows, n, key, known: false });
    }
  }
  return [...last.values()];
}
