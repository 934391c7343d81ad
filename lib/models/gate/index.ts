export { type Findings, judge } from './judge.ts';
export { decodeLatest, encodeLatest } from './latest-file.ts';
