import { contentId, DAY_MS } from '../../data/index.ts';
import { type ObjectStore, putJson, readJson } from '../../runtime/index.ts';
import { coverByPacks, type PackInput } from '../packs/index.ts';
import { ShardedFiles } from '../sharded-files.ts';
import { type KeyColumns, keysKey, readKeyBatch, readKeys } from './keys-file.ts';
import { encodeWinners, winnersOf } from './part-file.ts';
import { ReplacedLines } from './replaced.ts';
import type { KeyedDrop, Question } from './types.ts';
import { Decider, Lines, type Tally } from './winners.ts';

/** Raise this when equal questions would get other answers. */
const VERSION = 1;
/** Lines that are decided at once: some 60 MB of them. */
const LINES_AT_ONCE = 1 << 21;
/** Lines that are sorted at once. */
const LINES_IN_CACHE = 1 << 13;
/** Files read at the same time. */
const PARALLEL = 16;
/** What is kept of small files, for the next range of identities and for the next shard. */
const CACHE_BYTES = 128 << 20;

/** What `summary.json` says: the parts stand when it does. */
interface Summary extends Tally {
  /** Rows of each part. */
  readonly parts: readonly number[];
}

/** A part's own contribution, beside it. */
interface PartTally extends Tally {
  readonly rows: number;
}

/** Which versions of events count in a run. */
export class EventVersions {
  /** Lines of days before the as-of day that a newer version has replaced, by source. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly #folder: string;
  readonly #parts: readonly number[];
  readonly #stale: ReadonlySet<number>;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #files: ShardedFiles;

  constructor(store: ObjectStore, folder: string, summary: Summary, drops: readonly KeyedDrop[]) {
    this.#files = new ShardedFiles(store, CACHE_BYTES / 2);
    this.#folder = folder;
    this.#parts = summary.parts;
    this.replaced = summary.replaced;
    this.#stale = new Set(summary.stale);
    this.#numbers = new Map(drops.map(({ dropId }, number) => [dropId, number]));
  }

  /** Does the run's snapshot hold other lines of a shard's users than those that count? */
  isStale(shard: number): boolean {
    return this.#stale.has(shard);
  }

  /** What no longer counts of one shard's users, for a reader of days before `before`; undefined where all does. */
  async shard(shard: number, shards: number, before: number): Promise<ReplacedLines | undefined> {
    const range = { low: (shard / shards) * 2 ** 32, high: ((shard + 1) / shards) * 2 ** 32, before };
    const replaced = new ReplacedLines(this.#numbers);
    for (const [part, rows] of this.#parts.entries()) {
      if (rows === 0) continue;
      const key = partKey(this.#folder, part);
      for (const { batch } of await this.#files.read(key, shard, shards)) {
        for (const { low, high, drop } of winnersOf(batch, key, range)) replaced.set(low, high, drop);
      }
    }
    return replaced.size > 0 ? replaced : undefined;
  }
}

/**
 * Finds out which versions of events count, or reads what a job has found out before. Several jobs may do so at once: the
 * identities are cut into ranges, each is decided by whoever comes first, and all write the same bytes.
 * @param begin 0 to 1: where in the ranges to begin, so that jobs that start together share the work
 * @returns undefined where no source has two drops; nothing is read then
 */
export async function openVersions(
  store: ObjectStore,
  question: Question,
  begin = 0,
): Promise<EventVersions | undefined> {
  const rivals = withRivals(question);
  if (rivals.drops.length === 0) return undefined;
  const folder = `versions/${nameOf(rivals)}`;
  const summaryKey = `${folder}/summary.json`;
  let summary = await readJson<Summary>(store, summaryKey);
  if (!summary) {
    const lines = rivals.drops.reduce((sum, drop) => sum + drop.lines, 0);
    let parts = 1;
    while (lines / parts > LINES_AT_ONCE) parts *= 2;
    const reader = await openKeyFiles(store, rivals.drops);
    const tallies: PartTally[] = new Array(parts);
    for (let k = 0; k < parts; k++) {
      const part = (k + Math.floor(begin * parts)) % parts;
      tallies[part] = await ensurePart(store, reader, folder, rivals, part, parts);
    }
    summary = summed(tallies);
    await putJson(store, summaryKey, summary, { ifAbsent: true });
  }
  return new EventVersions(store, folder, summary, rivals.drops);
}

/** The drops of sources that have several: the others have nothing to lose. */
function withRivals(question: Question): Question {
  const count = new Map<string, number>();
  for (const { source } of question.drops) count.set(source, (count.get(source) ?? 0) + 1);
  const kept = question.drops.flatMap((drop, number) =>
    count.get(drop.source)! > 1 ? [{ drop, number }] : [],
  );
  const { snapshot } = question;
  const held = new Set(kept.flatMap(({ number }, i) => (snapshot?.held.has(number) ? [i] : [])));
  return {
    ...question,
    drops: kept.map(({ drop }) => drop),
    ...(snapshot ? { snapshot: { ...snapshot, held } } : {}),
  };
}

/** Equal questions have one name, whoever asks them. */
function nameOf({ snapshot, ...question }: Question): string {
  const record = snapshot ? { ...snapshot, held: [...snapshot.held] } : null;
  const keys = question.drops.map(keysKey);
  return contentId({ version: VERSION, ...question, keys, snapshot: record });
}

const partKey = (folder: string, part: number): string =>
  `${folder}/part=${String(part).padStart(3, '0')}.arrow`;

async function ensurePart(
  store: ObjectStore,
  reader: KeyFiles,
  folder: string,
  question: Question,
  part: number,
  parts: number,
): Promise<PartTally> {
  const key = partKey(folder, part);
  const tallyKey = key.replace(/arrow$/, 'json');
  const known = parts > 1 ? await readJson<PartTally>(store, tallyKey) : undefined;
  if (known) return known;
  const decider = new Decider(question);
  for (const source of new Set(question.drops.map((drop) => drop.source))) {
    for (const lines of await readLines(reader, question.drops, source, part, parts)) {
      decider.decide(source, lines);
    }
  }
  const { winners, replaced, stale } = decider;
  const record = { rows: winners.length, replaced, stale: sorted(stale) };
  if (winners.length > 0) {
    await store.put(key, encodeWinners(winners, question.drops, question.shards), { ifAbsent: true });
  }
  if (parts > 1) await putJson(store, tallyKey, record, { ifAbsent: true });
  return record;
}

/** The key files of a run's drops, of which many lie in packs. */
interface KeyFiles {
  /** Lines of a range of identities, or more, with the number of their drop. */
  read(
    takes: (number: number) => boolean,
    range: number,
    ranges: number,
  ): AsyncIterable<{ readonly number: number; readonly lines: KeyColumns }>;
}

async function openKeyFiles(store: ObjectStore, drops: readonly KeyedDrop[]): Promise<KeyFiles> {
  const files = new ShardedFiles(store, CACHE_BYTES);
  const numbers = new Map(drops.map(({ dropId }, number) => [dropId, number]));
  const { packs, loose } = await coverByPacks(store, files, 'keys', keyInputs(drops));
  const beside = [
    ...loose.map(({ dropId }) => numbers.get(dropId)!),
    ...drops.flatMap(({ withdrawn }, number) => (withdrawn ? [number] : [])),
  ];
  return {
    async *read(takes, range, ranges) {
      for (const { key, dropIds } of packs) {
        const members = dropIds.map((dropId) => numbers.get(dropId)!);
        if (!members.some(takes)) continue;
        for (const { batch, member } of await files.read(key, range, ranges)) {
          const number = members[member]!;
          if (takes(number)) yield { number, lines: readKeyBatch(batch, key) };
        }
      }
      const own = beside.filter(takes);
      for (let i = 0; i < own.length; i += PARALLEL) {
        const read = own.slice(i, i + PARALLEL).map(async (number) => ({
          number,
          keys: await readKeys({ store, files, drop: drops[number]!, range, ranges }),
        }));
        for (const { number, keys } of await Promise.all(read)) {
          for (const lines of keys) yield { number, lines };
        }
      }
    },
  };
}

/** The key files of drops, as packs take them: by the day on which a drop came. What is withdrawn alone has none. */
export function keyInputs(drops: readonly KeyedDrop[]): PackInput[] {
  return drops
    .filter(({ withdrawn }) => !withdrawn)
    .map((drop) => {
      const day = Math.floor(drop.droppedAt / DAY_MS);
      return {
        key: keysKey(drop),
        dropId: drop.dropId,
        revision: drop.revision,
        minDay: day,
        maxDay: day,
      };
    });
}

/**
 * The lines of a source's drops in one of equal ranges of identities, in finer ranges: each of them is sorted where the
 * processor's cache holds it.
 */
async function readLines(
  reader: KeyFiles,
  drops: readonly KeyedDrop[],
  source: string,
  range: number,
  ranges: number,
): Promise<Lines[]> {
  const takes = (number: number) => drops[number]!.source === source;
  const total = drops.reduce((sum, drop) => sum + (drop.source === source ? drop.lines : 0), 0);
  let finer = ranges;
  while (total / finer > LINES_IN_CACHE) finer *= 2;
  const fine = Array.from({ length: finer / ranges }, () => new Lines());
  const first = range * fine.length;
  const shift = 32 - Math.log2(finer);
  for await (const { number, lines } of reader.read(takes, range, ranges)) {
    const { id, hash } = lines;
    for (let row = 0; row < hash.length; row++) {
      const place = (finer === 1 ? 0 : id[2 * row + 1]! >>> shift) - first;
      // A small file is read whole, whatever the range.
      if (place >= 0 && place < fine.length) fine[place]!.push(lines, row, number);
    }
  }
  return fine;
}

function summed(tallies: readonly PartTally[]): Summary {
  const replaced: Record<string, number> = {};
  const stale = new Set<number>();
  for (const tally of tallies) {
    for (const [source, lines] of Object.entries(tally.replaced)) {
      replaced[source] = (replaced[source] ?? 0) + lines;
    }
    for (const shard of tally.stale) stale.add(shard);
  }
  return { parts: tallies.map(({ rows }) => rows), replaced, stale: sorted(stale) };
}

const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);
