export { HashedBytes } from './hashed.ts';
export { forEachRecord } from './records.ts';
export { foreignOf, packingOf, SIGNATURE_BYTES } from './signatures.ts';
export { type Intake, takeIn, takeInFile } from './take-in.ts';
export type { TextFormat } from './text-intake.ts';
export { unpacked } from './unpack.ts';
