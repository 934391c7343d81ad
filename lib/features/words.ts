import type { EventType } from '../data/index.ts';

/** What an event of a type is called, and several of them. */
const EVENT_NOUNS: Record<EventType, readonly [one: string, many: string]> = {
  view: ['view', 'views'],
  search: ['search', 'searches'],
  cart: ['addition to the cart', 'additions to the cart'],
  uncart: ['removal from the cart', 'removals from the cart'],
  favorite: ['favourite', 'favourites'],
  purchase: ['purchase', 'purchases'],
  return: ['return', 'returns'],
  review: ['review', 'reviews'],
  message: ['message', 'messages'],
};

/** 'days since last {one}', 'purchase' -> 'days since last purchase' */
export function eventWords(template: string, type: EventType): string {
  const [one, many] = EVENT_NOUNS[type];
  return template.replaceAll('{one}', one).replaceAll('{many}', many);
}

/** What the groups are called that reasons are summed by; docs/exports.md lists them. */
const GROUP_WORDS: Readonly<Record<string, string>> = {
  recency: 'time since last activity',
  frequency: 'how often',
  money: 'money spent',
  gaps: 'rhythm of activity',
  tenure: 'time as a customer',
  variety: 'variety of items',
  timing: 'hours and weekdays',
  returns: 'returns',
  engagement: 'activity of any kind',
  profile: 'what is known of the customer',
  visits: 'order of visits',
  texts: 'texts',
};

/** A group of features in words; an attribute of a labelled table is a group of its own and keeps its name. */
export const groupWords = (group: string): string => GROUP_WORDS[group] ?? group;
