export type { Branch, Reading } from './branch.ts';
export type { BranchKind, Grown, Pretrained } from './kind.ts';
export { linear, linearBranch } from './linear.ts';
export { mlp, mlpBranch } from './mlp.ts';
export type { BranchRows } from './rows.ts';
export { texts, textsBranch, textsOf } from './texts.ts';
export { broughtVisits, VISITS_BATCH, VISITS_BRANCH, visits, visitsBranch } from './visits.ts';
