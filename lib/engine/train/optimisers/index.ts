export { type AdamWUpdate, adamwRows, adamwStep } from './adamw.ts';
export { clipFactor, sumOfSquares } from './clip.ts';
export { type LayerwiseRates, layerwiseRates } from './layerwise.ts';
export {
  type AdafactorOptions,
  type AdagradOptions,
  type AdamWOptions,
  type Grouping,
  type GroupSettings,
  type OptimiserOptions,
  type OptimiserSettings,
  type RuleSettings,
  type SettingsOf,
  type SgdOptions,
  settleOptimiser,
} from './optimiser-options.ts';
export { addRows, type RowGradient, sumRows } from './row-gradient.ts';
export { constantSchedule, cosineSchedule, linearSchedule, type Schedule } from './schedule.ts';
export { layOut, type Slot } from './slots.ts';
export type { UpdateRule } from './update-rule.ts';
export { updateRuleOf } from './update-rule-of.ts';
