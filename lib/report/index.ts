export { renderReport } from './page.ts';
export { thinCurve } from './thin.ts';
export type * from './types.ts';
