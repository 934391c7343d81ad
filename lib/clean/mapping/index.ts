export { withoutAddresses } from './addresses.ts';
export { type Bound, bindAll, typesOf } from './bind.ts';
export { BUILT_IN_FLAGS, LATEST } from './checks.ts';

export { planFor, staged } from './plan.ts';
export { readingOf } from './reading.ts';
export { shapeRows } from './shape-rows.ts';
export { type SyntaxFault, syntaxFaults } from './syntax.ts';
export { type Check, NO_TEXT, type TablePlan, VALUE } from './table.ts';
export { MISSING } from './texts.ts';
export { sqlOf } from './value.ts';
export { newestFirst } from './version.ts';
