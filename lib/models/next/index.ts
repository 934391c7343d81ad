export { nextFamily } from './family.ts';
export { unitsNamed } from './units.ts';
