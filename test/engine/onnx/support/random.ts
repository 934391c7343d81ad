/** Uniform numbers in [0, 1) by mulberry32; the seed makes a test repeatable. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers between low and high, all at least (high - low) / (2 count) apart, in random order: no ties, no kinks met. */
export function apart(count: number, low: number, high: number, random: () => number): number[] {
  const step = (high - low) / count;
  const values = Array.from({ length: count }, (_, i) => low + step * (i + 0.25 + 0.5 * random()));
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}
