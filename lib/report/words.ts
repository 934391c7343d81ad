import type { BinaryTaskReport, TaskReport } from './task-types.ts';

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

const ROWS: Words = { ...BUYERS, one: 'row', many: 'rows' };

type Task = TaskReport;

/** By the kind of a task, what it is of, and whom it asks. */
const WORDS: Readonly<Record<TaskReport['kind'], (of: string, asks: BinaryTaskReport['asks']) => Words>> = {
  event(of, asks) {
    if (of === 'purchase' && asks === 'prospects') return { ...BUYERS, one: 'prospect', many: 'prospects' };
    if (of === 'purchase' && asks !== undefined) return { ...BUYERS, one: 'user', many: 'users' };
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
  value: () => ({ ...BUYERS, one: 'user', many: 'users' }),
  uplift: () => ({ ...BUYERS, one: 'row', many: 'rows' }),
  demand: (of) => ({
    ...BUYERS,
    one: of === 'item' ? 'item' : 'value',
    many: of === 'item' ? 'items' : 'values',
  }),
  'one-of': () => ROWS,
  'any-of': () => ROWS,
  number: () => ROWS,
  label: (of) => ({
    one: 'row',
    many: 'rows',
    takers: `rows labelled "${of}"`,
    did: `have the label "${of}"`,
    didNot: 'have another label',
    will: `have the label "${of}"`,
  }),
};

export function wordsOf(task: Task): Words {
  const words = WORDS[task.kind](task.of, 'asks' in task ? task.asks : undefined);
  // A treatment is of users, or of the rows of a table, which has no window.
  return task.kind === 'uplift' && task.horizonDays !== undefined
    ? { ...words, one: 'user', many: 'users' }
    : words;
}
