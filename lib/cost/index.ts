export { estimate } from './estimate.ts';
export { DROP_FORMATS, type DropFormat, formatRates } from './formats.ts';
export { limits } from './limits.ts';
export type { Load } from './load.ts';
export { fargateHour } from './machines.ts';
export { PRICES } from './prices.ts';
export { RATES } from './rates.ts';
export { amount, costTables, dollars } from './tables.ts';
