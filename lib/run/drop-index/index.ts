export { beginIndex } from './begin.ts';
export { difference } from './difference.ts';
export { referredDrops } from './expand.ts';
export type { Loaded } from './loaded.ts';
export { sizesBefore } from './sizes-before.ts';
export { type Stepped, stepIndex } from './step.ts';
export { View } from './view.ts';
