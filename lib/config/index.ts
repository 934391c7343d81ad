export { defineConfig, loadConfig, parseConfig } from './load.ts';
export type {
  AbsenceTask,
  Config,
  ConfigInput,
  EventTask,
  LabelTask,
  NextTask,
  Source,
  Task,
} from './schema.ts';
