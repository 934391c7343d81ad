const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** All seeds, or those of NIGHTJAR_SEEDS ("2001-12000"), of which nothing is recorded. */
const [, from, to] = /^(\d+)-(\d+)$/.exec(process.env.NIGHTJAR_SEEDS ?? '') ?? [];
export const SEEDS: readonly number[] = from && to ? range(Number(from), Number(to)) : range(1, 2000);
/** What every run of the tests looks at. */
export const FAST_SEEDS: readonly number[] = range(1, 60);
/** As many files lie in the temp folder at once. */
export const BATCH = 250;
