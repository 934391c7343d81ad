import type { EventType } from '../../data/index.ts';
import { eachNeighbour, type Neighbours } from './co-occurrence.ts';
import type { ItemTable } from './item-table.ts';
import { isLead } from './others.ts';
import type { Profile } from './profile.ts';
import type { UnitAttributes } from './unit-attributes.ts';

/** Why an entry stands in a list: one fact of the user and the unit, as exports keep it. Null where a part does not apply. */
export interface EntryReason {
  /** The unit. */
  readonly name: string;
  /** The user did something with it; it goes with what the user had; it is new; its kind is popular; it is popular. */
  readonly reason: 'did' | 'goes with' | 'new' | 'kind' | 'popular';
  /** Of `did`: what the user did. Of `goes with`: what the user did with the other one. */
  readonly event: EventType | null;
  /** Lines of such events of the user and the unit (or the other one), and days since the last. */
  readonly times: number | null;
  readonly days: number | null;
  /** Of `goes with`: the other unit. Of `new` and `kind`: what it has in common with what the user had, such as `category Tea`. */
  readonly other: string | null;
  /** The same in short words. */
  readonly words: string;
}

/** Known for so many days at most, a unit is new. */
const NEW_DAYS = 14;

const { log1p, max, round } = Math;

const DONE: Readonly<Record<EventType, string>> = {
  view: 'viewed',
  search: 'searched for',
  cart: 'put into the cart',
  uncart: 'taken out of the cart',
  favorite: 'marked as a favourite',
  purchase: 'bought',
  return: 'returned',
  review: 'reviewed',
  message: 'had a message about',
};

/** What a user did with units by one type of event. */
interface Deeds {
  readonly type: EventType;
  readonly profile: Profile;
}

/** Finds the reasons of entries; only units of the table's day are named. */
export class EntryReasons {
  readonly #table: ItemTable;
  readonly #event: EventType;
  readonly #attributes: UnitAttributes | undefined;

  /**
   * @param event the task's
   * @param attributes what is said of the table's units, where anything is
   */
  constructor(table: ItemTable, event: EventType, attributes: UnitAttributes | undefined) {
    this.#table = table;
    this.#event = event;
    this.#attributes = attributes;
  }

  /**
   * The reason of each unit of a list: what the user did with the unit last, of the task's event and those that lead to one; else the
   * unit of the user's that it goes with most; else that it is new, its kind popular, or itself.
   * @param others the user's profiles by the table's other types, in their order
   */
  of(target: Profile, others: readonly Profile[], units: readonly number[]): EntryReason[] {
    const deeds = [
      { type: this.#event, profile: target },
      ...others.map((profile, t) => ({ type: this.#table.others[t]!.type, profile })),
    ].filter(({ type, profile }) => profile.count > 0 && (type === this.#event || isLead(type)));
    const done = lastDeeds(deeds);
    const beside = this.#strongestNeighbours(done, new Set(units.filter((unit) => !done.has(unit))));
    const taste = this.#tasteOf(done);
    return units.map((unit) => {
      const name = this.#table.names[unit]!;
      const own = done.get(unit);
      if (own) return { name, reason: 'did', ...factOf(own), other: null, words: deedInWords(own) };
      const with_ = beside.get(unit);
      if (with_ !== undefined) {
        const other = this.#table.names[with_]!;
        const fact = done.get(with_)!;
        const words = `goes with ${other}, ${DONE[fact.type]} ${ago(fact.days)}`;
        return { name, reason: 'goes with', ...factOf(fact), other, words };
      }
      const other = this.#common(unit, taste) ?? null;
      const none = { name, event: null, times: null, days: null, other };
      if (this.#isNew(unit)) {
        const words = other === null ? 'new' : `new, and like what was taken: ${other}`;
        return { ...none, reason: 'new', words };
      }
      if (other !== null) return { ...none, reason: 'kind', words: `popular in ${other}` };
      return { ...none, reason: 'popular', words: 'popular' };
    });
  }

  /** Of each unit the one among the user's that it goes with most, by baskets and by users. */
  #strongestNeighbours(done: ReadonlyMap<number, Deed>, wanted: ReadonlySet<number>): Map<number, number> {
    const { byUser, byBasket, together } = this.#table;
    const best = new Map<number, { readonly from: number; readonly much: number }>();
    const look = (from: number, much: number, neighbours: Neighbours) =>
      eachNeighbour(neighbours, from, (unit, similarity) => {
        const found = much * similarity;
        if (wanted.has(unit) && found > (best.get(unit)?.much ?? 0)) best.set(unit, { from, much: found });
      });
    if (wanted.size === 0) return new Map();
    for (const [from, { times }] of done) {
      for (const neighbours of [byBasket, byUser, together]) look(from, log1p(times), neighbours);
    }
    return new Map([...best].map(([unit, { from }]) => [unit, from]));
  }

  /** Weights of the traits of what the user had. */
  #tasteOf(done: ReadonlyMap<number, Deed>): ReadonlyMap<number, number> {
    const taste = new Map<number, number>();
    if (!this.#attributes) return taste;
    const { start, trait, weight } = this.#attributes;
    for (const [unit, { times }] of done) {
      for (let k = start[unit]!; k < start[unit + 1]!; k++) {
        taste.set(trait[k]!, (taste.get(trait[k]!) ?? 0) + log1p(times) * weight[k]!);
      }
    }
    return taste;
  }

  /** In words, the trait that makes a unit like what the user had more than any other. */
  #common(unit: number, taste: ReadonlyMap<number, number>): string | undefined {
    if (!this.#attributes) return undefined;
    const { start, trait, weight, words } = this.#attributes;
    let most = 0;
    let found: string | undefined;
    for (let k = start[unit]!; k < start[unit + 1]!; k++) {
      const much = (taste.get(trait[k]!) ?? 0) * weight[k]!;
      if (much > most && words[trait[k]!] !== undefined) {
        most = much;
        found = words[trait[k]!];
      }
    }
    return found;
  }

  #isNew(unit: number): boolean {
    const since = this.#attributes?.since[unit] ?? Number.NaN;
    const known = max(Number.isNaN(since) ? 0 : since, this.#table.age[unit]!);
    return known > 0 && known <= NEW_DAYS;
  }
}

/** The JSON text of the reasons of a list. */
export const reasonsAsText = (reasons: readonly EntryReason[]): string => JSON.stringify(reasons);

interface Deed {
  readonly type: EventType;
  readonly times: number;
  readonly days: number;
}

/** What a user did last with each unit; of several types on one day the first. In ascending order of units. */
function lastDeeds(deeds: readonly Deeds[]): ReadonlyMap<number, Deed> {
  const last = new Map<number, Deed>();
  for (const { type, profile } of deeds) {
    for (let i = 0; i < profile.count; i++) {
      const unit = profile.unit[i]!;
      const days = profile.last[i]!;
      const known = last.get(unit);
      if (!known || days < known.days) last.set(unit, { type, times: round(profile.lines[i]!), days });
    }
  }
  return new Map([...last].sort(([a], [b]) => a - b));
}

const factOf = ({ type, times, days }: Deed) => ({ event: type, times, days });

function deedInWords({ type, times, days }: Deed): string {
  return times > 1 ? `${DONE[type]} ${times} times, last ${ago(days)}` : `${DONE[type]} ${ago(days)}`;
}

const ago = (days: number): string => (days === 1 ? 'yesterday' : `${days} days ago`);
