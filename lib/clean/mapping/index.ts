export { withoutAddresses } from './addresses.ts';
export { BUILT_IN_FLAGS, LATEST } from './checks.ts';
export { missingColumn } from './missing-column.ts';
export { planFor, staged } from './plan.ts';
export { type Reading, readingOf } from './reading.ts';
export { shapeRows } from './shape-rows.ts';
export { NO_TEXT, type Output, type TablePlan, VALUE } from './table.ts';
export { MISSING } from './texts.ts';
export { newestFirst } from './version.ts';
