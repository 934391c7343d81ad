export { type Cure, curesFor } from './cures.ts';
