export type { Branch, Reading } from './branch.ts';
export type { BranchKind, Grown, Pretrained } from './kind.ts';
export { linear, linearBranch } from './linear.ts';
export { type MlpShape, mlp, mlpBranch } from './mlp.ts';
export type { BranchRows, TypedNumbers } from './rows.ts';
export { type TextsBranch, texts, textsBranch, textsOf } from './texts.ts';
export { VISITS_BATCH, VISITS_BRANCH, type VisitsBranchShape, visits, visitsBranch } from './visits.ts';
