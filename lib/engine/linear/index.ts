export { chooseL2, type L2Choice, type L2Input, type L2Loss } from './choose.ts';
export { LinearError } from './errors.ts';
export { fitLogistic, type LogisticFit, type LogisticInput } from './logistic.ts';
export { fitMultinomial, type MultinomialModel, multinomialScores } from './multinomial.ts';
export { fitRidge, type RidgeFit, type RidgeInput } from './ridge.ts';
export { type LinearModel, type LogisticTable, linearLogits } from './table.ts';
