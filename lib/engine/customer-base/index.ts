export { type BgNbdFit, type BgNbdParameters, fitBgNbd } from './bg-nbd.ts';
export { CustomerBaseError } from './errors.ts';
export { expectedTransactions, probabilityAlive, probabilityOfTransaction } from './forecast.ts';
export type { CustomerHistories } from './histories.ts';
