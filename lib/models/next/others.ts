import type { EventType } from '../../data/index.ts';
import type { Interner, UserState } from '../../features/index.ts';
import { itemEntries, type Profile } from './profile.ts';

/** Items of a user and another type that are read at most: those the user had to do with last. */
const MOST_OF_OTHER = 200;

/** What undoes is known of a pair, and is no reason to name an item. */
const UNDOING: ReadonlySet<EventType> = new Set(['uncart', 'return']);

/** Does an event of this type lead to the item? */
export const isLead = (type: EventType): boolean => !UNDOING.has(type);

/** Does one of these types lead to items? Without one, candidates are those of the target's type alone. */
export const hasLead = (types: readonly EventType[]): boolean => types.some(isLead);

/**
 * Is it known what the user likes? By the target's events, or by others that lead to units: a prospect's list is drawn from what
 * they looked at.
 * @param others the user's profiles by these types, in their order
 */
export const hasTaste = (target: Profile, others: readonly Profile[], types: readonly EventType[]): boolean =>
  target.count > 0 || others.some(({ count }, t) => count > 0 && isLead(types[t]!));

/** Reads the entries of a type that is not the target's off a state, as `itemEntries` does. */
export const otherEntries = (state: UserState, type: number, day: number, names: Interner): Float64Array =>
  itemEntries(state, type, day, names, MOST_OF_OTHER);
