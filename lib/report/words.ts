import type { BinaryTaskReport, NextTaskReport } from './types.ts';

/** How the page speaks of a task: of buyers, of customers lost, of rows with a label. */
export interface Words {
  /** Those who are ranked: 'customer', 'customers'. */
  readonly one: string;
  readonly many: string;
  /** Those whom the task is about: 'buyers', 'customers lost'. */
  readonly takers: string;
  /** 'bought', 'were lost', and the contrary. */
  readonly did: string;
  readonly didNot: string;
  /** Behind "can be expected to": 'buy'. */
  readonly will: string;
}

const EVENTS: Readonly<Record<string, string>> = {
  view: 'a view',
  search: 'a search',
  cart: 'an addition to the cart',
  uncart: 'a removal from the cart',
  favorite: 'a favourite',
  purchase: 'a purchase',
  return: 'a return',
  review: 'a review',
  message: 'a message',
};

/** 'purchase' -> 'a purchase' */
const eventNoun = (event: string): string => EVENTS[event] ?? `an event "${event}"`;

const BUYERS: Words = {
  one: 'customer',
  many: 'customers',
  takers: 'buyers',
  did: 'bought',
  didNot: 'did not buy',
  will: 'buy',
};

/** By the kind of a task, and what it is of. */
const WORDS: Readonly<Record<(BinaryTaskReport | NextTaskReport)['kind'], (of: string) => Words>> = {
  event(of) {
    if (of === 'purchase') return BUYERS;
    const noun = eventNoun(of);
    return {
      one: 'user',
      many: 'users',
      takers: `users with ${noun}`,
      did: `had ${noun}`,
      didNot: 'had none',
      will: `have ${noun}`,
    };
  },
  absence: () => ({
    one: 'customer',
    many: 'customers',
    takers: 'customers lost',
    did: 'were lost',
    didNot: 'stayed',
    will: 'be lost',
  }),
  next: () => BUYERS,
  label: (of) => ({
    one: 'row',
    many: 'rows',
    takers: `rows labelled "${of}"`,
    did: `have the label "${of}"`,
    didNot: 'have another label',
    will: `have the label "${of}"`,
  }),
};

export const wordsOf = ({ kind, of }: BinaryTaskReport | NextTaskReport): Words => WORDS[kind](of);
