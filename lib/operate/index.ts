export { attention, dueDay, type FinishedExport, type QueueDepth } from './attention.ts';
export {
  type BackfillDay,
  type BackfillProgress,
  backfillDays,
  type Dispatch,
  invokedDispatch,
  type Look,
  stackLook,
} from './backfill.ts';
export { type CdkCall, type CdkSettings, layCdk, runCdk } from './cdk.ts';
export {
  type Answer,
  type Check,
  checkBootstrap,
  checkDisk,
  checkDocker,
  checkIdentity,
  checkNode,
  checkRegion,
  checkShop,
} from './checks.ts';
export { checkConcurrency, checkFargateQuota, checkServiceRoles, checkZones } from './checks-account.ts';
export { checkInstances, checkQuotas, type OfferedType, quotasOf } from './checks-gpu.ts';
export { type JobCost, jobCost } from './cost.ts';
export { type DeadLetter, moveBack, peek } from './dead-letters.ts';
export { OperateError } from './errors.ts';
export { REMEMBERED_DAYS, recentJobs, type StackJob } from './jobs.ts';
export { type Preflight, preflight } from './preflight.ts';
export { type ExplainedLetter, explainDead, redrive } from './redrive.ts';
export { openStack, type Stack, type StackQueue } from './stack.ts';
export { realSurroundings, type Surroundings } from './surroundings.ts';
export { type Cause, type QueueName, whyDead } from './why-dead.ts';
