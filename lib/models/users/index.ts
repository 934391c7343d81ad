export { usersFamily } from './family.ts';
export type { UsersModelManifest } from './manifest.ts';
export { openProfiles, type ProfileWriter } from './profiles.ts';
export { encoderPrefix } from './shop-encoder.ts';
export { textsBefore } from './texts.ts';
