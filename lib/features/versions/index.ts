export { parseEventId } from './event-ids.ts';
export { KeyRows, keysKey } from './keys-file.ts';
export { type EventVersions, keyInputs, openVersions } from './open.ts';
export type { ReplacedLines } from './replaced.ts';
export type { KeyedDrop, NewestBy, Question } from './types.ts';
