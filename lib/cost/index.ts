export { type Estimate, estimate, type Line, type Load, type Sizes } from './estimate.ts';
export { type Limit, limits } from './limits.ts';
export { PRICES } from './prices.ts';
export { RATES } from './rates.ts';
export { amount, billTable, costTables, dollars, limitTable } from './tables.ts';
