/** Event types in the order of their codes in Arrow files: append only, the codes are stored. */
export const EVENT_TYPES = [
  'view',
  'search',
  'cart',
  'uncart',
  'favorite',
  'purchase',
  'return',
  'review',
  'message',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Code of an event type in Arrow files. */
export function eventCode(type: EventType): number {
  return EVENT_TYPES.indexOf(type);
}
