export { MOST_IN_AUDIENCE } from './audiences-schema.ts';
export { type Deploy, deployOf, HOURS_AFTER_DEADLINE, usesGpu } from './deploy-schema.ts';
export type { Parts } from './faults.ts';
export { LIST_RULES } from './list-rules.ts';
export { defineConfig, loadConfig, parseConfig } from './load.ts';
export { gpuJobSize, type JobSize } from './machines.ts';
export type {
  AbsenceTask,
  Config,
  ConfigInput,
  DemandTask,
  EventTask,
  LabelTask,
  NextTask,
  Nightly,
  ProfileSettings,
  Source,
  Task,
  UpliftTask,
  ValueTask,
} from './schema.ts';
export { type GateSettings, gateSettings, MODEL_FAMILIES } from './schema.ts';
export { itemAttributes, userAttributes } from './task-checks.ts';
export { type EncoderSizes, encoderSizes, labelsText, usersText } from './text-schema.ts';
