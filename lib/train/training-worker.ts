import { SessionError } from './errors.ts';
import type { OptimiserSettings, TrainingProgram } from './program.ts';
import { type Feeds, toPost } from './tensor.ts';
import { type StartingPoint, type StepResult, TrainerCore, type TrainerState } from './trainer-core.ts';
import { serve } from './worker-host.ts';

export interface TrainingMethods {
  open: {
    argument: { program: TrainingProgram; settings: OptimiserSettings; threads: number };
    result: undefined;
  };
  step: { argument: { feeds: Feeds; lr: number }; result: StepResult };
  evaluate: { argument: { feeds: Feeds; outputs: readonly string[] }; result: Feeds };
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
  async open({ program, settings, threads }) {
    core = await TrainerCore.open(program, settings, threads);
    return { value: undefined };
  },
  async step({ feeds, lr }) {
    return { value: await opened().step(feeds, lr) };
  },
  async evaluate({ feeds, outputs }) {
    const value = await opened().evaluate(feeds, outputs);
    const { tensors, buffers } = toPost(value, true);
    return { value: tensors, transfer: buffers };
  },
  async parameters() {
    const value = opened().parameters();
    return { value, transfer: buffersOf(value) };
  },
  async state() {
    const value = opened().state();
    return { value, transfer: buffersOf(value.parameters, value.firstMoments, value.secondMoments) };
  },
  async load(state) {
    opened().load(state);
    return { value: undefined };
  },
  async close() {
    await core?.close();
    return { value: undefined };
  },
});
