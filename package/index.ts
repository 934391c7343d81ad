/** `nightjar-shop`: what a `nightjar.config.ts` imports, and what loads one. */
export * from '../lib/config/index.ts';
