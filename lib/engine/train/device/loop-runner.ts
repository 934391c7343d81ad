import * as ort from 'onnxruntime-node';
import {
  alignedFloats,
  DivergedError,
  type Feeds,
  float32,
  type HostTensor,
  int64,
  ProgramError,
} from '../../host/index.ts';
import { finalName, initialName, LOOP_COUNT } from '../../onnx/index.ts';
import type { OptimiserSettings, Slot } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { Runner, sameShape } from '../session/index.ts';
import { factorName, stackName, stateName } from './loop-body.ts';
import { type LoopProgram, loopProgram } from './loop-program.ts';
import type { LossScale } from './loss-scale.ts';

/** One update of a run. */
export interface LoopStep {
  feeds: Feeds;
  lr: number;
}

/**
 * Runs many updates in one call of the runtime. Parameters and optimiser state go to the device once, stay there for all
 * steps of the call and come back to the slots in the end: onnxruntime-node copies every output to the host, so the
 * copies are shared out over the steps.
 */
export class LoopRunner {
  readonly #runner: Runner;
  readonly #loop: LoopProgram;
  readonly #results: { to: Float32Array; from: Float32Array }[] = [];
  readonly #into = new Map<string, ort.Tensor>();

  private constructor(
    runner: Runner,
    loop: LoopProgram,
    slots: readonly Slot[],
    scaleInput: string | undefined,
    scale: LossScale | undefined,
  ) {
    this.#runner = runner;
    this.#loop = loop;
    const carried = slots.flatMap((slot) =>
      slot.frozen
        ? []
        : [
            { name: slot.name, data: slot.value, shape: slot.shape },
            ...Object.entries(slot.state).map(([kept, data]) => ({
              name: stateName(slot.name, kept),
              data,
              shape: slot.shape,
            })),
          ],
    );
    if (loop.scale && scale) {
      carried.push({ name: loop.scale.value, data: scale.value, shape: [] });
      carried.push({ name: loop.scale.steps, data: scale.steps, shape: [] });
    } else if (scaleInput) {
      runner.fix(scaleInput, Float32Array.of(1), []);
    }
    const finals = alignedFloats(carried.map(({ data }) => data.length));
    carried.forEach(({ name, data, shape }, i) => {
      runner.fix(initialName(name), data, shape);
      this.#results.push({ to: data, from: finals[i]! });
      this.#into.set(finalName(name), new ort.Tensor('float32', finals[i]!, shape));
    });
    for (const slot of slots) {
      if (slot.frozen && runner.inputNames.includes(slot.name)) runner.fix(slot.name, slot.value, slot.shape);
    }
  }

  /**
   * @param scale of mixed precision, changed in place; without it everything is float32
   * @throws ProgramError where the program has no loop (see `loopProgram`), SessionError when the runtime refuses it
   */
  static async open(
    program: TrainingProgram,
    model: Uint8Array,
    settings: OptimiserSettings,
    slots: readonly Slot[],
    threads: number,
    scale?: LossScale,
  ): Promise<LoopRunner> {
    const trained = slots.filter(({ frozen }) => !frozen);
    const kept = Object.fromEntries(trained.map(({ name, state }) => [name, Object.keys(state)]));
    const loop = loopProgram(program, model, settings, kept, scale ? 'mixed' : 'float32');
    const runner = await Runner.open(loop.model, threads);
    return new LoopRunner(runner, loop, slots, program.lossScale, scale);
  }

  /**
   * Updates the slots by all steps.
   * @param done updates made before
   * @throws DivergedError when a loss or gradient is not finite: then none of the steps has been made
   */
  async run(steps: readonly LoopStep[], done: number): Promise<{ loss: number; gradNorm: number }[]> {
    const { feeds, factors, rule, losses, gradNorms } = this.#loop;
    const stacked: Feeds = { [LOOP_COUNT]: int64([steps.length], []) };
    const unknown = steps.flatMap((step) => Object.keys(step.feeds)).find((name) => !feeds.includes(name));
    if (unknown !== undefined)
      throw new ProgramError(`the model has no input ${unknown}; it has ${feeds.join(', ')}`);
    for (const name of feeds) stacked[stackName(name)] = stack(name, steps);
    const scalars = steps.map(({ lr }, i) => rule.factors(lr, done + i + 1));
    for (const name of factors) {
      stacked[stackName(factorName(name))] = float32(
        Float32Array.from(scalars, (of) => of[name]!),
        [steps.length],
      );
    }
    const found = await this.#runner.run(stacked, [losses, gradNorms, ...this.#into.keys()], this.#into);
    const [loss, norm] = [found[losses]!.data as Float32Array, found[gradNorms]!.data as Float32Array];
    for (let i = 0; i < steps.length; i++) {
      if (!Number.isFinite(loss[i]) || !Number.isFinite(norm[i])) {
        throw new DivergedError(
          `update ${done + i + 1} has loss ${loss[i]} and a gradient of norm ${norm[i]}: lower the learning rate or check the batch`,
        );
      }
    }
    for (const { to, from } of this.#results) to.set(from);
    return steps.map((_, i) => ({ loss: loss[i]!, gradNorm: norm[i]! }));
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}

/** The feeds of one input, one after another along a new first axis. */
function stack(name: string, steps: readonly LoopStep[]): HostTensor {
  const tensors = steps.map(({ feeds }) => {
    const tensor = feeds[name];
    if (!tensor) throw new ProgramError(`the model's input ${name} was not fed`);
    return tensor;
  });
  const [first] = tensors as [HostTensor, ...HostTensor[]];
  const odd = tensors.find(({ type, shape }) => type !== first.type || !sameShape(shape, first.shape));
  if (odd) {
    throw new ProgramError(
      `the steps of one run need feeds of one shape, but ${name} is [${first.shape.join(', ')}] and [${odd.shape.join(', ')}]`,
    );
  }
  const data = first.data.slice(0, 0).constructor as { new (length: number): HostTensor['data'] };
  const all = new data(first.data.length * tensors.length);
  tensors.forEach((tensor, i) => {
    (all as Float32Array).set(tensor.data as Float32Array, i * first.data.length);
  });
  return { type: first.type, shape: [tensors.length, ...first.shape], data: all } as HostTensor;
}
