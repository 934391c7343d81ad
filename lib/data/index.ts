export {
  batchCount,
  decodeArrow,
  encodeArrow,
  RANGES,
  recordBatch,
  streamArrow,
} from './arrow.ts';
export { withoutRows } from './arrow-rows.ts';
export { minorDigits } from './currency.ts';
export { damaged } from './damaged.ts';
export { ConfigError, DataError, NightjarError } from './errors.ts';
export { EVENT_TYPES, type EventType, eventCode } from './events.ts';
export {
  canonicalJson,
  contentId,
  digestOf,
  dropId,
  inControl,
  sha256,
  shardName,
  shardOf,
  stableUnit,
  userHash,
} from './ids.ts';
export { EPOCH_UNITS, type EpochUnit, parseInstant, type TimeReading } from './instant.ts';
export { createPseudonyms, loadOrCreateKey, type Pseudonyms } from './pseudonyms.ts';
export { holdsAny } from './search.ts';
export {
  type ByteSource,
  type FilePart,
  MEMBERS,
  openShardedFile,
  readBatches,
  readingAhead,
  readShard,
  type ShardedFile,
  WHOLE_FILE,
} from './sharded-file.ts';
export { DAY_MS, formatDay, parseDay, shopClock } from './time.ts';
export {
  instantOfLocal,
  isZoneName,
  localTransitions,
  offsetAt,
  zoneRules,
} from './zones.ts';
