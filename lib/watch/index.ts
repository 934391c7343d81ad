export { DayTotals } from './day-totals.ts';
export { unusualOn } from './unusual.ts';
