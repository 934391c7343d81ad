/** `nightjar-shop/report`: the page of a run, from a plain object. */
export * from '../lib/report/index.ts';
