export { upliftFamily } from './campaign-family.ts';
export { upliftTableFamily } from './table-family.ts';
