/** `nightjar-shop/engine`: the training engine, which knows nothing of shops. lib/engine/README.md has an example. */
export * from '../lib/engine/index.ts';
