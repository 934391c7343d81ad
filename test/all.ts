/** `npm run test:all`: with the tests that take minutes, for which CI has no time. */
export const ALL = process.env.NIGHTJAR_SLOW_TESTS === '1';
