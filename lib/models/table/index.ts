export { tableFamily } from './family.ts';
export { readLabelled } from './labelled.ts';
