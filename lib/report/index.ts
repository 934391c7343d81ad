export type * from './audience-types.ts';
export type * from './measure-types.ts';
export { renderReport } from './page.ts';
export type * from './task-types.ts';
export { thinCurve } from './thin.ts';
export type * from './types.ts';
