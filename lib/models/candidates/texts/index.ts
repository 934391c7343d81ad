export { TextsCandidate } from './candidate.ts';
export { FEW_TOKENS, VERY_FEW_TOKENS } from './settings.ts';
