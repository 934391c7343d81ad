export { bars } from './bars.ts';
export { precisionRecallFigure, rocFigure } from './curves.ts';
export { dayFigures } from './days.ts';
export { gainFigure, liftFigure } from './deciles.ts';
export { figure, nothing } from './draw.ts';
export { forecastChart, nameOf } from './forecasts.ts';
export { scoreFigure } from './histogram.ts';
export { pretrainingFigure, stepsFigure, trainingFigure } from './history.ts';
export { reliabilityFigure } from './reliability.ts';
