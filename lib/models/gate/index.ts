export type { GateCheck } from './checks.ts';
export { type Findings, judge } from './judge.ts';
export { decodeLatest, encodeLatest } from './latest-file.ts';
