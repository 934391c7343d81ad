export { type BgNbdFit, type BgNbdParameters, CDNOW_IN_DAYS, fitBgNbd } from './bg-nbd.ts';
export { CustomerBaseError } from './errors.ts';
export {
  expectedTransactions,
  medianTimeToTransaction,
  type PurchaseParameters,
  probabilityAlive,
  probabilityOfTransaction,
} from './forecast.ts';
export {
  expectedSpend,
  fitGammaGamma,
  type GammaGammaFit,
  type GammaGammaParameters,
} from './gamma-gamma.ts';
export type { CustomerSpends } from './gamma-gamma-likelihood.ts';
export type { CustomerHistories } from './histories.ts';
export { fitParetoNbd, type ParetoNbdFit, type ParetoNbdParameters } from './pareto-nbd.ts';
