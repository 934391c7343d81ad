export { chooseL2, type L2Choice } from './choose-l2.ts';
export { LinearError } from './errors.ts';
export { fitLogistic, type LogisticFit, type LogisticInput } from './logistic.ts';
