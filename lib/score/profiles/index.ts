export { NO_CODE, PARTS_OF_DAY, WEEKDAYS } from './habits.ts';
export { LIFECYCLES, type Lifecycle } from './lifecycle.ts';
export { encodeProfiles, type ProfileColumns, profileColumns, type ShardProfiles } from './profile-file.ts';
export { openProfiler, type Profiler } from './profiler.ts';
export { TRAITS } from './traits.ts';
