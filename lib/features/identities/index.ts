export { type JoinedUser, joinUser, type MovedDay } from './joined-user.ts';
export type { Tally as IdentityTally } from './joins.ts';
export type { MovedBatch } from './moved-file.ts';
export { type IdentityQuestion, MovedParts, openIdentities } from './open.ts';
