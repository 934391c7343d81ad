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

export function wordsOf(task: BinaryTaskReport | NextTaskReport): Words {
  if (task.kind === 'label') {
    return {
      one: 'row',
      many: 'rows',
      takers: `rows labelled "${task.of}"`,
      did: `have the label "${task.of}"`,
      didNot: 'have another label',
      will: `have the label "${task.of}"`,
    };
  }
  if (task.kind === 'absence') {
    return {
      one: 'customer',
      many: 'customers',
      takers: 'customers lost',
      did: 'were lost',
      didNot: 'stayed',
      will: 'be lost',
    };
  }
  if (task.kind === 'event' && task.of !== 'purchase') {
    const noun = eventNoun(task.of);
    return {
      one: 'user',
      many: 'users',
      takers: `users with ${noun}`,
      did: `had ${noun}`,
      didNot: 'had none',
      will: `have ${noun}`,
    };
  }
  return {
    one: 'customer',
    many: 'customers',
    takers: 'buyers',
    did: 'bought',
    didNot: 'did not buy',
    will: 'buy',
  };
}
