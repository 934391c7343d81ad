import { isIgnored } from '../../clean/index.ts';
import { compareKeys, type OtherEntry } from '../../runtime/index.ts';
import { otherState } from '../inputs.ts';
import type { Head } from './head.ts';
import type { Loaded } from './loaded.ts';
import { idOf, newRow, otherRow, type Row, versionOf } from './rows.ts';

/** What a part of `drop/` looks like now, compared with the index. */
export interface Compared {
  /** Drops that are new, or have other bytes than the index knows. */
  readonly fresh: Row[];
  /** Rows of each segment whose drops are gone, or have other bytes. */
  readonly gone: ReadonlyMap<number, ReadonlySet<number>>;
  /** How many rows of each segment the round has passed. */
  readonly passed: number[];
  readonly round: Head['round'];
  readonly whole: string | null;
}

/**
 * Goes on with the round through `drop/`: lists the next keys. Rows of a segment are in the order of the keys, so what the
 * listing has passed without a sight of it is gone. At the end of the last key all is known to be as it was at the beginning
 * of the round, or later.
 * @param since a round that began before is begun anew
 */
export async function goRound(
  loaded: Loaded,
  head: Pick<Head, 'round' | 'whole'>,
  { keys, since, now }: { keys: number; since: Date; now: Date },
): Promise<Compared> {
  const anew = head.round.cursor === '' || new Date(head.round.begun) < since;
  const begun = anew ? now.toISOString() : head.round.begun;
  const cursor = anew ? '' : head.round.cursor;
  const comparison = new Comparison(loaded);
  const others: OtherEntry[] = [];
  let told = 0;
  let last = cursor;
  let ended = true;
  const options = {
    onOther(entry: OtherEntry) {
      told++;
      if (!isIgnored(entry.key)) others.push(entry);
    },
    ...(cursor === '' ? {} : { startAfter: cursor }),
  };
  for await (const info of loaded.store.list('drop/', options)) {
    last = info.key;
    // The console of S3 makes folders as empty objects.
    if (!info.key.endsWith('/') && !isIgnored(info.key))
      comparison.see(info.key, versionOf(info, info.lastModified.getTime()), () => newRow(info));
    if (++told >= keys) {
      ended = false;
      break;
    }
  }
  for (const entry of others) {
    const behind = cursor === '' || compareKeys(entry.key, cursor) > 0;
    if (behind && (ended || compareKeys(entry.key, last) <= 0)) {
      const row = otherRow(entry, otherState(entry));
      comparison.see(row.key, versionOf(row, row.modified), () => row);
    }
  }
  const before = loaded.refs.map(({ passed }) => (anew ? 0 : passed));
  return {
    fresh: comparison.fresh,
    ...comparison.passed(before, ended),
    round: ended ? { begun: now.toISOString(), cursor: '' } : { begun, cursor: last },
    whole: ended ? begun : head.whole,
  };
}

/** Compares listed drops with the segments. */
class Comparison {
  readonly fresh: Row[] = [];
  readonly #loaded: Loaded;
  /** By segment: a mark for each row that was seen. */
  readonly #seen = new Map<number, Uint8Array>();
  readonly #gone = new Map<number, Set<number>>();

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  /** @param make gives the row of a drop that the index does not know: most it does */
  see(key: string, version: Buffer, make: () => Row): void {
    const { table, members, refs } = this.#loaded;
    const id = idOf(key);
    const low = version.readUInt32LE(0);
    const high = version.readUInt32LE(4);
    let known = false;
    for (const { segment, row: n } of table.places(id.readUInt32LE(0), id.readUInt32LE(4))) {
      const { versions } = members[segment]!;
      if (versions[2 * n] === low && versions[2 * n + 1] === high) {
        known = true;
        let seen = this.#seen.get(segment);
        if (!seen) this.#seen.set(segment, (seen = new Uint8Array(refs[segment]!.rows)));
        seen[n] = 1;
      } else this.#leave(segment, n);
    }
    if (!known) this.fresh.push(make());
  }

  /** @param before rows that were passed before @param ended whether the last key was listed */
  passed(before: readonly number[], ended: boolean): Pick<Compared, 'gone' | 'passed'> {
    const passed = this.#loaded.refs.map(({ rows }, segment) => {
      const seen = this.#seen.get(segment);
      const to = ended ? rows : (seen?.lastIndexOf(1) ?? -1) + 1;
      for (let n = before[segment]!; n < to; n++) if (!seen?.[n]) this.#leave(segment, n);
      return ended ? 0 : Math.max(before[segment]!, to);
    });
    return { gone: this.#gone, passed };
  }

  #leave(segment: number, row: number): void {
    const gone = this.#gone.get(segment);
    if (gone) gone.add(row);
    else this.#gone.set(segment, new Set([row]));
  }
}
