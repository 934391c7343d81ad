export { assessDemand, LARGEST } from './assess.ts';
export { demandFamily } from './family.ts';
