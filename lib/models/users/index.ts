export { type MadeBehaviour, pretrainBehaviour } from './behaviour.ts';
export { usersFamily } from './family.ts';
export type { UsersModelManifest } from './manifest.ts';
export { textsBefore } from './texts.ts';
