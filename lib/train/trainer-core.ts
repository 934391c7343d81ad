import * as ort from 'onnxruntime-node';
import { adamwRows, adamwStep, type Moments } from './adamw.ts';
import { alignedFloats } from './aligned.ts';
import { clipFactor, sumOfSquares } from './clip.ts';
import { DivergedError, ProgramError } from './errors.ts';
import type { OptimiserSettings, RowGradientOutput, TrainingProgram } from './program.ts';
import { addRows, type RowGradient, sumRows } from './row-gradient.ts';
import { Runner } from './runner.ts';
import type { Feeds, HostTensor } from './tensor.ts';

/** All that training changes: parameters, AdamW's moments of the trainable ones, and the number of updates done. */
export interface TrainerState {
  step: number;
  parameters: Record<string, Float32Array>;
  firstMoments: Record<string, Float32Array>;
  secondMoments: Record<string, Float32Array>;
}

/** Parameters of another model to start from; moments start at zero. Names not given keep their values. */
export interface StartingPoint {
  parameters: Record<string, Float32Array>;
}

export interface StepResult {
  /** Loss of the batch before the update. */
  loss: number;
  /** Global L2 norm of all gradients, before clipping. */
  gradNorm: number;
}

interface Slot {
  name: string;
  shape: readonly number[];
  value: Float32Array;
  /** Absent when frozen. */
  moments?: Moments;
  /** Dense gradient; absent when frozen or updated lazily. */
  gradient?: Float32Array;
  /** Of this step, for a lazily updated table. */
  rowGradient?: RowGradient;
  lookups: readonly RowGradientOutput[];
  /** The runtime writes the dense gradient itself. */
  fetched: boolean;
}

/** Training on the calling thread: session, parameters, moments. The worker wraps it; tests may use it bare. */
export class TrainerCore {
  readonly #program: TrainingProgram;
  readonly #settings: OptimiserSettings;
  readonly #threads: number;
  readonly #slots: readonly Slot[];
  readonly #runner: Runner;
  readonly #into = new Map<string, ort.Tensor>();
  readonly #fetches: readonly string[];
  #evaluator: Runner | undefined;
  #step = 0;

  private constructor(
    program: TrainingProgram,
    settings: OptimiserSettings,
    threads: number,
    runner: Runner,
  ) {
    this.#program = program;
    this.#settings = settings;
    this.#threads = threads;
    this.#runner = runner;
    this.#slots = layOut(program, settings);
    const fetches = new Set([program.lossOutput]);
    for (const slot of this.#slots) {
      runner.fix(slot.name, slot.value, slot.shape);
      if (slot.fetched) {
        const output = program.gradientOutputs[slot.name]!;
        if (fetches.has(output)) throw new ProgramError(`output ${output} is named for two gradients`);
        this.#into.set(output, new ort.Tensor('float32', slot.gradient!, slot.shape));
        fetches.add(output);
      }
      for (const { ids, rows } of slot.lookups) {
        fetches.add(rows);
        if (!runner.inputNames.includes(ids)) fetches.add(ids);
      }
    }
    this.#fetches = [...fetches];
  }

  /** @throws SessionError when the runtime refuses the model; ProgramError when names or shapes do not fit it */
  static async open(
    program: TrainingProgram,
    settings: OptimiserSettings,
    threads: number,
  ): Promise<TrainerCore> {
    const runner = await Runner.open(program.model, threads);
    for (const output of [program.lossOutput, ...Object.values(program.gradientOutputs)]) {
      if (!runner.outputNames.includes(output)) {
        throw new ProgramError(`the model has no output ${output}; it has ${runner.outputNames.join(', ')}`);
      }
    }
    return new TrainerCore(program, settings, threads, runner);
  }

  /**
   * One update on one batch.
   * @throws DivergedError when loss or gradient is not finite; nothing is updated then
   */
  async step(feeds: Feeds, lr: number): Promise<StepResult> {
    const outputs = await this.#runner.run(feeds, this.#fetches, this.#into);
    const loss = scalar(this.#program.lossOutput, outputs[this.#program.lossOutput]!);
    let squares = 0;
    for (const slot of this.#slots) squares += this.#collect(slot, feeds, outputs);
    const gradNorm = Math.sqrt(squares);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      throw new DivergedError(
        `update ${this.#step + 1} has loss ${loss} and gradient norm ${gradNorm}: lower the learning rate or check the batch`,
      );
    }
    this.#step += 1;
    const gradientScale = clipFactor(gradNorm, this.#settings.clipNorm);
    for (const slot of this.#slots) this.#update(slot, lr, gradientScale);
    return { loss, gradNorm };
  }

  /** Outputs on a batch without an update: of the evaluation graph, else of the training graph. */
  async evaluate(feeds: Feeds, outputs: readonly string[]): Promise<Feeds> {
    if (this.#program.evaluation && !this.#evaluator) {
      this.#evaluator = await Runner.open(this.#program.evaluation, this.#threads);
      for (const slot of this.#slots) this.#evaluator.fix(slot.name, slot.value, slot.shape);
    }
    return (this.#evaluator ?? this.#runner).run(feeds, outputs);
  }

  /** Copies of all parameters, in the program's order. */
  parameters(): Record<string, Float32Array> {
    return Object.fromEntries(this.#slots.map((slot) => [slot.name, slot.value.slice()]));
  }

  state(): TrainerState {
    const trained = this.#slots.flatMap(({ name, moments }) => (moments ? [{ name, moments }] : []));
    return {
      step: this.#step,
      parameters: this.parameters(),
      firstMoments: Object.fromEntries(trained.map(({ name, moments }) => [name, moments.first.slice()])),
      secondMoments: Object.fromEntries(trained.map(({ name, moments }) => [name, moments.second.slice()])),
    };
  }

  /**
   * Continue from a state, or start from parameters (then moments and step are zero).
   * @throws ProgramError when a tensor is unknown or of another size, or a state lacks one; nothing is loaded then
   */
  load(state: TrainerState | StartingPoint): void {
    const whole = 'step' in state;
    const given = [
      this.#place('parameter', state.parameters, whole, (slot) => slot.value),
      this.#place('first moment', whole ? state.firstMoments : {}, whole, (slot) => slot.moments?.first),
      this.#place('second moment', whole ? state.secondMoments : {}, whole, (slot) => slot.moments?.second),
    ];
    this.#step = whole ? state.step : 0;
    for (const { moments } of this.#slots) {
      moments?.first.fill(0);
      moments?.second.fill(0);
    }
    for (const { to, data } of given.flat()) to.set(data);
  }

  async close(): Promise<void> {
    await this.#runner.close();
    await this.#evaluator?.close();
  }

  #place(
    what: string,
    tensors: Record<string, Float32Array>,
    whole: boolean,
    into: (slot: Slot) => Float32Array | undefined,
  ): { to: Float32Array; data: Float32Array }[] {
    for (const name of Object.keys(tensors)) {
      const slot = this.#slots.find((candidate) => candidate.name === name);
      if (!slot || !into(slot))
        throw new ProgramError(`a ${what} ${name} was given; this program has none of that name`);
    }
    return this.#slots.flatMap((slot) => {
      const to = into(slot);
      const data = tensors[slot.name];
      if (to && data && to.length !== data.length) {
        throw new ProgramError(
          `the ${what} ${slot.name} has ${data.length} values, the program's has ${to.length}`,
        );
      }
      if (to && !data && whole) throw new ProgramError(`the state has no ${what} ${slot.name}`);
      return to && data ? [{ to, data }] : [];
    });
  }

  /** Brings a slot's gradient together; its sum of squares. */
  #collect(slot: Slot, feeds: Feeds, outputs: Feeds): number {
    if (!slot.moments) return 0;
    if (slot.lookups.length > 0) {
      const lookups = slot.lookups.map(({ ids, rows }) => ({
        ids: (feeds[ids] ?? outputs[ids]!).data,
        rows: floats(rows, outputs[rows]!),
      }));
      const [tableRows, width] = slot.shape as readonly [number, number];
      const gradient = sumRows(lookups, tableRows, width);
      if (!slot.gradient) {
        slot.rowGradient = gradient;
        return sumOfSquares(gradient.values);
      }
      if (!slot.fetched) slot.gradient.fill(0);
      addRows(slot.gradient, gradient);
    }
    return sumOfSquares(slot.gradient!);
  }

  #update(slot: Slot, lr: number, gradientScale: number): void {
    if (!slot.moments) return;
    const { beta1, beta2, epsilon, groups } = this.#settings;
    const { decay, lrScale } = groups[slot.name]!;
    const update = { lr: lr * lrScale, beta1, beta2, epsilon, decay, time: this.#step, gradientScale };
    if (slot.rowGradient) adamwRows(slot.value, slot.rowGradient, slot.moments, update);
    else adamwStep(slot.value, slot.gradient!, slot.moments, update);
  }
}

function layOut(program: TrainingProgram, settings: OptimiserSettings): Slot[] {
  const lengths = program.parameters.map(({ data }) => data.length);
  const plans = program.parameters.map(({ name }) => {
    const fetched = name in program.gradientOutputs;
    const lookups = program.rowGradients?.[name] ?? [];
    const lazy = settings.groups[name]!.lazy && lookups.length > 0;
    if (lazy && fetched) {
      throw new ProgramError(
        `${name} has a dense gradient too, so it can not be updated lazily: use rows: 'exact'`,
      );
    }
    return {
      fetched,
      lookups,
      trained: fetched || lookups.length > 0,
      dense: (fetched || lookups.length > 0) && !lazy,
    };
  });
  const only = (pick: (plan: (typeof plans)[number]) => boolean) =>
    alignedFloats(lengths.map((length, i) => (pick(plans[i]!) ? length : 0)));
  const values = alignedFloats(lengths);
  const gradients = only((plan) => plan.dense);
  const firsts = only((plan) => plan.trained);
  const seconds = only((plan) => plan.trained);
  return program.parameters.map(({ name, shape, data }, i) => {
    const { fetched, lookups, trained, dense } = plans[i]!;
    values[i]!.set(data);
    return {
      name,
      shape,
      value: values[i]!,
      lookups,
      fetched,
      ...(trained ? { moments: { first: firsts[i]!, second: seconds[i]! } } : {}),
      ...(dense ? { gradient: gradients[i]! } : {}),
    };
  });
}

function floats(name: string, tensor: HostTensor): Float32Array {
  if (tensor.type !== 'float32')
    throw new ProgramError(`output ${name} has type ${tensor.type}, float32 is expected`);
  return tensor.data;
}

function scalar(name: string, tensor: HostTensor): number {
  const data = floats(name, tensor);
  if (data.length !== 1)
    throw new ProgramError(`the loss ${name} has ${data.length} values; it must be a scalar`);
  return data[0]!;
}
