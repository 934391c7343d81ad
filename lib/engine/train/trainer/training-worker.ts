import { type Feeds, Rng, type RngState, SessionError, toPost } from '../../host/index.ts';
import type { OptimiserSettings } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { serve } from '../session/index.ts';
import {
  type BackwardResult,
  type BackwardSettings,
  type BatchStep,
  type DriverSettings,
  type StepResult,
  TrainerCore,
} from './trainer-core.ts';
import type { StartingPoint, TrainerState } from './trainer-state.ts';

export interface TrainingMethods {
  open: {
    argument: {
      program: TrainingProgram;
      settings: OptimiserSettings;
      threads: number;
      driver: DriverSettings;
    };
    result: undefined;
  };
  step: { argument: { feeds: Feeds; lr: number; variant: string | undefined }; result: StepResult };
  steps: { argument: readonly BatchStep[]; result: StepResult[] };
  backward: { argument: { feeds: Feeds; settings: BackwardSettings }; result: BackwardResult };
  addNoise: {
    argument: { deviation: number; source: RngState | undefined };
    result: RngState | undefined;
  };
  update: { argument: { lr: number; scale: number | undefined }; result: { gradNorm: number } };
  evaluate: {
    argument: { feeds: Feeds; outputs: readonly string[]; variant: string | undefined };
    result: Feeds;
  };
  average: { argument: number | null; result: undefined };
  swapAverages: { argument: undefined; result: undefined };
  parameters: { argument: undefined; result: Record<string, Float32Array> };
  state: { argument: undefined; result: TrainerState };
  load: { argument: TrainerState | StartingPoint; result: undefined };
  close: { argument: undefined; result: undefined };
}

let core: TrainerCore | undefined;

function opened(): TrainerCore {
  if (!core) throw new SessionError('the trainer is not open');
  return core;
}

function buffersOf(...tensors: Record<string, Float32Array>[]): ArrayBuffer[] {
  return tensors.flatMap((group) => Object.values(group).map((data) => data.buffer as ArrayBuffer));
}

serve<TrainingMethods>({
  async open({ program, settings, threads, driver }) {
    core = await TrainerCore.open(program, settings, threads, driver);
    return { value: undefined };
  },
  async step({ feeds, lr, variant }) {
    return { value: await opened().step(feeds, lr, variant) };
  },
  async steps(batches) {
    return { value: await opened().steps(batches) };
  },
  async backward({ feeds, settings }) {
    const value = await opened().backward(feeds, settings);
    const { tensors, buffers } = toPost(value.outputs, true);
    return { value: { ...value, outputs: tensors }, transfer: buffers };
  },
  async addNoise({ deviation, source }) {
    const seeded = source && new Rng(source);
    opened().addNoise(deviation, seeded);
    return { value: seeded?.state() };
  },
  async update({ lr, scale }) {
    return { value: opened().update(lr, scale) };
  },
  async average(decay) {
    opened().average(decay);
    return { value: undefined };
  },
  async swapAverages() {
    opened().swapAverages();
    return { value: undefined };
  },
  async evaluate({ feeds, outputs, variant }) {
    const value = await opened().evaluate(feeds, outputs, variant);
    const { tensors, buffers } = toPost(value, true);
    return { value: tensors, transfer: buffers };
  },
  async parameters() {
    const value = opened().parameters();
    return { value, transfer: buffersOf(value) };
  },
  async state() {
    const value = opened().state();
    return {
      value,
      transfer: buffersOf(value.parameters, value.averages ?? {}, ...Object.values(value.optimiser)),
    };
  },
  async load(state) {
    opened().load(state);
    return { value: undefined };
  },
  async close() {
    await core?.close();
    core = undefined;
    return { value: undefined };
  },
});
