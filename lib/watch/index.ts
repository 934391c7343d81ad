export { DayTotals } from './day-totals.ts';
export { type Unusual, unusualOn } from './unusual.ts';
