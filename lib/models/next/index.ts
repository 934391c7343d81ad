export { nextFamily } from './family.ts';
