import type { Config } from '../../config/index.ts';
import { EVENT_TYPES, stableUnit } from '../../data/index.ts';
import { type Interner, readShardTexts, ShardedFiles, type ShardUser } from '../../features/index.ts';
import { type RunManifest, replacedLines } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { ageBucket, TEXT_FIELDS } from '../candidates/index.ts';
import { openTitles } from '../shared/index.ts';

export type TextSettings = NonNullable<Config['text']>;

/** A text is of an event of a type, or the title of an item of an event of a type. */
export const TEXT_KINDS = 2 * EVENT_TYPES.length;

/** Which texts a config tells of. */
function sourcesOf(config: Config): { events: boolean; titles: boolean } {
  const sources = Object.values(config.sources);
  return {
    events: sources.some((source) => source.table === 'events' && source.columns.text !== undefined),
    titles: sources.some(
      (source) => source.table === 'items' && Object.keys(source.attributes.texts ?? {}).length > 0,
    ),
  };
}

/** Places for texts in a row: `recent` for those of events, and as many for titles, where a shop has them. */
export function textPlaces(config: Config, { recent }: TextSettings): number {
  const { events, titles } = sourcesOf(config);
  return recent * (Number(events) + Number(titles));
}

/** Gives every distinct text a number, in the order in which they are met. */
export class TextNumbers {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.texts.push(text) - 1));
    return number;
  }
}

/** Clean events as `readShardTexts` takes them; a drop without clean rows has none. */
const eventInputs = ({ inputs }: RunManifest) =>
  inputs.events.flatMap(({ clean, dropId, minDay, maxDay }) =>
    minDay === undefined || maxDay === undefined ? [] : [{ key: clean, dropId, minDay, maxDay }],
  );

/** Writes the recent texts of one shard's users. */
export interface TextWriter {
  /**
   * Writes what a user's texts before a day were to out[at, at + places * TEXT_FIELDS), most recent first, each once.
   * @param user whose state stands at that day
   */
  write(user: Pick<ShardUser, 'user' | 'state'>, day: number, out: Int32Array, at: number): void;
}

/** The texts of a run: what every shard's writer needs. */
export interface RunTexts {
  /**
   * @param numbers what is written are its numbers
   * @param items names of the items in the users' states
   * @param span days of events that may be asked for: those before `before`, from `from` on
   */
  shard(
    shard: number,
    numbers: TextNumbers,
    items: Interner,
    span: { readonly from: number; readonly before: number },
  ): Promise<TextWriter>;
}

/** Opens the texts of a run's events and items. */
export async function openTexts(
  store: ObjectStore,
  manifest: RunManifest,
  settings: TextSettings,
): Promise<RunTexts> {
  const { config, shards } = manifest;
  const { events, titles } = sourcesOf(config);
  const files = new ShardedFiles(store);
  const opened = titles ? await openTitles(store, manifest) : undefined;
  return {
    async shard(shard, numbers, items, { from, before }) {
      const own = events
        ? await readShardTexts({
            inputs: eventInputs(manifest),
            shard,
            shards,
            from: from - settings.days,
            before,
            replaced: await replacedLines(store, manifest, shard, before),
            files,
          })
        : undefined;
      const { recent, days } = settings;
      return {
        write({ user, state }, day, out, at) {
          out.fill(0, at, at + textPlaces(config, settings) * TEXT_FIELDS);
          let place = at;
          if (own) {
            const rows = own.rowsOf(user) ?? { start: 0, end: 0 };
            const slots = new RecentTexts(out, place, recent, numbers);
            let row = rows.end - 1;
            while (row >= rows.start && own.day[row]! >= day) row--;
            for (; row >= rows.start && day - own.day[row]! <= days && !slots.full; row--) {
              slots.add(own.texts.text(own.text[row]!), own.type[row]!, day - own.day[row]!);
            }
            place += recent * TEXT_FIELDS;
          }
          if (opened) {
            const titleOf = opened.at(day);
            const slots = new RecentTexts(out, place, recent, numbers);
            for (const { item, type, age } of recentItems(state, day, days, items)) {
              if (slots.full) break;
              const title = titleOf(items.text(item));
              if (title !== undefined) slots.add(title, EVENT_TYPES.length + type, age);
            }
          }
        },
      };
    },
  };
}

/** Fills a row's places: a text of a kind counts once, where it is most recent. */
class RecentTexts {
  readonly #out: Int32Array;
  readonly #start: number;
  readonly #places: number;
  readonly #numbers: TextNumbers;
  readonly #seen = new Set<number>();

  constructor(out: Int32Array, start: number, places: number, numbers: TextNumbers) {
    this.#out = out;
    this.#start = start;
    this.#places = places;
    this.#numbers = numbers;
  }

  get full(): boolean {
    return this.#seen.size === this.#places;
  }

  add(text: string, kind: number, age: number): void {
    const number = this.#numbers.of(text);
    const identity = number * TEXT_KINDS + kind;
    if (this.#seen.has(identity)) return;
    const at = this.#start + this.#seen.size * TEXT_FIELDS;
    this.#seen.add(identity);
    this.#out[at] = number + 1;
    this.#out[at + 1] = kind;
    this.#out[at + 2] = ageBucket(age);
  }
}

/** A user's items by event type, the most recent first; of one day by type, then name. */
function recentItems(
  { items: map, historyDays }: ShardUser['state'],
  day: number,
  days: number,
  items: Interner,
): { item: number; type: number; age: number }[] {
  const found: { item: number; type: number; age: number }[] = [];
  for (let i = 0; i < map.size; i++) {
    const age = day - map.lastDay[i]!;
    if (age <= Math.min(days, historyDays)) found.push({ item: map.item[i]!, type: map.type[i]!, age });
  }
  return found.sort((a, b) => a.age - b.age || a.type - b.type || items.compare(a.item, b.item));
}

/** Distinct texts that an encoder is pretrained on at most; with more, they are sampled by their hash. */
const MOST_TEXTS = 200_000;

/** The distinct texts that were known before a day, sorted: what an encoder of that day may be made from. */
export async function textsBefore(
  store: ObjectStore,
  manifest: RunManifest,
  shardsRead: readonly number[],
  day: number,
  firstDay: number,
): Promise<string[]> {
  const { config, shards } = manifest;
  const sources = sourcesOf(config);
  const texts = new Set<string>();
  let threshold = 1;
  const add = (text: string) => {
    if (threshold < 1 && stableUnit('text', text) >= threshold) return;
    texts.add(text);
    if (texts.size <= MOST_TEXTS) return;
    threshold /= 2;
    for (const other of texts) if (stableUnit('text', other) >= threshold) texts.delete(other);
  };
  const files = new ShardedFiles(store);
  for (const shard of sources.events ? shardsRead : []) {
    const own = await readShardTexts({
      inputs: eventInputs(manifest),
      shard,
      shards,
      from: firstDay,
      before: day,
      replaced: await replacedLines(store, manifest, shard, day),
      files,
    });
    for (let id = 0; id < own.texts.size; id++) add(own.texts.text(id));
  }
  if (sources.titles) {
    const titles = await openTitles(store, manifest);
    const titleOf = titles.at(day);
    for (const item of titles.items) {
      const title = titleOf(item);
      if (title !== undefined) add(title);
    }
  }
  return [...texts].sort();
}
