export { valueFamily } from './family.ts';
