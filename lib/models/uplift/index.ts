export { upliftTableFamily } from './table-family.ts';
