export {
  type BackwardOptions,
  type BatchOptions,
  checkAborted,
  type NoiseOptions,
  openTrainer,
  type StepOptions,
  Trainer,
  type TrainerOptions,
  type UpdateOptions,
} from './trainer.ts';
export type { BackwardResult, StepResult } from './trainer-core.ts';
export type { StartingPoint, TrainerState } from './trainer-state.ts';
