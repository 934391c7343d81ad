const door = new URL('../lib/config/index.ts', import.meta.url).href;

/** Resolves 'nightjar' to this checkout wherever the importing config stands. */
export function resolve(specifier, context, next) {
  return specifier === 'nightjar'
    ? { url: door, format: 'module', shortCircuit: true }
    : next(specifier, context);
}
