import * as ort from 'onnxruntime-node';
import type { Feeds, HostTensor, Rng } from '../../host/index.ts';
import { DivergedError, ProgramError } from '../../host/index.ts';
import {
  type Driver,
  firstScale,
  type LoopRunner,
  type LoopStep,
  type LossScale,
  type Precision,
} from '../device/index.ts';
import {
  clipFactor,
  layOut,
  type OptimiserSettings,
  type Slot,
  type UpdateRule,
  updateRuleOf,
} from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { sameShape } from '../session/index.ts';
import { Accumulator } from './accumulator.ts';
import { Averages } from './averages.ts';
import { collect, scalar, squaresOf } from './gradients.ts';
import { ProgramSessions } from './program-sessions.ts';
import {
  copyParameters,
  copyState,
  loadState,
  type StartingPoint,
  type TrainerState,
} from './trainer-state.ts';

export interface StepResult {
  /** Loss of the batch before the update. */
  loss: number;
  /** Global L2 norm of all gradients, before clipping. */
  gradNorm: number;
}

/** One update of several. */
export interface BatchStep extends LoopStep {
  variant?: string | undefined;
}

export interface BackwardResult extends StepResult {
  /** The outputs asked for. */
  outputs: Feeds;
}

export interface BackwardSettings {
  weight?: number | undefined;
  clipNorm?: number | undefined;
  outputs?: readonly string[] | undefined;
  variant?: string | undefined;
}

/** Who updates, and how precisely; on the CPU in float32 by default. */
export interface DriverSettings {
  driver?: Driver;
  precision?: Precision;
}

/** Training on the calling thread: sessions, parameters, optimiser. The worker wraps it; tests may use it bare. */
export class TrainerCore {
  readonly #program: TrainingProgram;
  readonly #settings: OptimiserSettings;
  readonly #threads: number;
  readonly #driver: Driver;
  readonly #lossScale: LossScale | undefined;
  readonly #rule: UpdateRule;
  readonly #slots: readonly Slot[];
  readonly #sessions: ProgramSessions;
  readonly #loops = new Map<string | undefined, LoopRunner>();
  readonly #into = new Map<string, ort.Tensor>();
  readonly #fetches = new Set<string>();
  readonly #accumulator: Accumulator;
  readonly #averages: Averages;
  #step = 0;

  private constructor(
    program: TrainingProgram,
    settings: OptimiserSettings,
    threads: number,
    { driver = 'cpu', precision = 'float32' }: DriverSettings,
  ) {
    this.#program = program;
    this.#settings = settings;
    this.#threads = threads;
    this.#driver = driver;
    this.#lossScale = precision === 'mixed' ? firstScale() : undefined;
    this.#rule = updateRuleOf(settings.rule);
    this.#slots = layOut(program, settings, this.#rule);
    this.#sessions = new ProgramSessions(program, this.#slots, threads);
    this.#accumulator = new Accumulator(this.#slots);
    this.#averages = new Averages(this.#slots);
    this.#fetches.add(program.lossOutput);
    for (const slot of this.#slots.filter(({ fetched }) => fetched)) {
      const output = program.gradientOutputs[slot.name]!;
      if (this.#fetches.has(output)) throw new ProgramError(`output ${output} is named for two gradients`);
      this.#into.set(output, new ort.Tensor('float32', slot.gradient!, slot.shape));
      this.#fetches.add(output);
    }
  }

  /** @throws SessionError when the runtime refuses the model; ProgramError when names or shapes do not fit it */
  static async open(
    program: TrainingProgram,
    settings: OptimiserSettings,
    threads: number,
    driver: DriverSettings = {},
  ): Promise<TrainerCore> {
    const core = new TrainerCore(program, settings, threads, driver);
    const runner = await core.#sessions.training(undefined);
    for (const { lookups } of core.#slots) {
      for (const { ids, rows } of lookups) {
        core.#fetches.add(rows);
        if (!runner.inputNames.includes(ids)) core.#fetches.add(ids);
      }
    }
    return core;
  }

  /**
   * One update on one batch; the same as `backward` and `update`, without a copy of the gradients.
   * @throws DivergedError when loss or gradient is not finite; nothing is updated then
   */
  async step(feeds: Feeds, lr: number, variant?: string): Promise<StepResult> {
    if (!this.#accumulator.empty)
      throw new ProgramError('gradients are accumulated: call update before the next step');
    const { loss, gradNorm } = await this.#differentiate(feeds, variant, []);
    this.#apply(lr, clipFactor(gradNorm, this.#settings.clipNorm));
    return { loss, gradNorm };
  }

  /**
   * One update after the other. The device driver makes those of one variant and shape that follow each other in one run,
   * and all of a run or none; moving averages are kept step by step, so with them it steps singly.
   * @throws DivergedError as `step` does
   */
  async steps(batches: readonly BatchStep[]): Promise<StepResult[]> {
    const results: StepResult[] = [];
    const singly = this.#driver === 'cpu' || this.#averages.kept;
    for (let i = 0; i < batches.length; ) {
      const { feeds, lr, variant } = batches[i]!;
      if (singly) {
        results.push(await this.step(feeds, lr, variant));
        i += 1;
        continue;
      }
      if (!this.#accumulator.empty)
        throw new ProgramError('gradients are accumulated: call update before the next step');
      const other = batches.findIndex((batch, k) => k > i && !alike(batch, batches[i]!));
      const run = batches.slice(i, other < 0 ? undefined : other);
      results.push(...(await (await this.#loopOf(variant)).run(run, this.#step)));
      this.#step += run.length;
      i += run.length;
    }
    return results;
  }

  /**
   * Adds a batch's gradient, times a weight, to what is accumulated.
   * @throws DivergedError when loss or gradient is not finite; nothing is added then
   */
  async backward(
    feeds: Feeds,
    { weight = 1, clipNorm = Number.POSITIVE_INFINITY, outputs = [], variant }: BackwardSettings = {},
  ): Promise<BackwardResult> {
    const result = await this.#differentiate(feeds, variant, outputs);
    const { gradNorm } = result;
    if (weight !== 0) this.#accumulator.add(gradNorm > clipNorm ? (weight * clipNorm) / gradNorm : weight);
    return result;
  }

  /** Gaussian noise on every accumulated gradient; on zeros where nothing is accumulated. */
  addNoise(deviation: number, source?: Rng): void {
    this.#accumulator.addNoise(deviation, source);
  }

  /**
   * The optimiser's update by `scale` times what is accumulated, which is empty afterwards.
   * @returns the global norm of the scaled gradient before clipping
   * @throws ProgramError when nothing is accumulated; DivergedError when it is not finite, and nothing is updated then
   */
  update(lr: number, scale = 1): { gradNorm: number } {
    if (this.#accumulator.empty)
      throw new ProgramError('there is no gradient to update by: call backward first');
    this.#averages.checkBack();
    this.#accumulator.restore();
    const squares = this.#slots.reduce((sum, slot) => sum + squaresOf(slot), 0);
    const gradNorm = Math.abs(scale) * Math.sqrt(squares);
    if (!Number.isFinite(gradNorm)) throw this.#diverged('an accumulated', gradNorm);
    this.#apply(lr, scale * clipFactor(gradNorm, this.#settings.clipNorm));
    return { gradNorm };
  }

  /** Outputs on a batch without an update: of the evaluation graph, else of the training graph. */
  async evaluate(feeds: Feeds, outputs: readonly string[], variant?: string): Promise<Feeds> {
    return (await this.#sessions.evaluation(variant)).run(feeds, outputs);
  }

  /** From the next update on keep moving averages of the trained parameters; null ends them. */
  average(decay: number | null): void {
    this.#averages.keep(decay);
  }

  /** Puts the averages in the parameters' place, or the parameters back. */
  swapAverages(): void {
    this.#averages.swap();
  }

  /** Copies of the trained parameters, in the program's order; of the averages while they stand in their place. */
  parameters(): Record<string, Float32Array> {
    return copyParameters(this.#slots);
  }

  /** Copies of all that the next update depends on, accumulated gradients excepted. */
  state(): TrainerState {
    this.#averages.checkBack();
    const { value, steps } = this.#lossScale ?? {};
    return {
      ...copyState(this.#step, this.#slots),
      ...(value && steps ? { lossScale: { value: value[0]!, steps: steps[0]! } } : {}),
    };
  }

  /**
   * Continue from a state, or start from parameters: then the optimiser starts anew, and averages from them. What is
   * accumulated is dropped.
   * @throws ProgramError when a tensor is unknown or of another size, or a state lacks one; nothing is loaded then
   */
  load(state: TrainerState | StartingPoint): void {
    this.#averages.checkBack();
    loadState(this.#slots, state);
    this.#step = 'step' in state ? state.step : 0;
    const { value, steps } = firstScale();
    const scale = 'step' in state && state.lossScale;
    this.#lossScale?.value.set(scale ? [scale.value] : value);
    this.#lossScale?.steps.set(scale ? [scale.steps] : steps);
    this.#accumulator.clear();
  }

  async close(): Promise<void> {
    await this.#sessions.close();
    for (const runner of this.#loops.values()) await runner.close();
  }

  async #loopOf(variant: string | undefined): Promise<LoopRunner> {
    const opened = this.#loops.get(variant);
    if (opened) return opened;
    // loaded when it is asked for: a worker on the CPU starts in half the time without the room of graphs
    const { LoopRunner } = await import('../device/loop-runner.ts');
    const runner = await LoopRunner.open(
      this.#program,
      this.#sessions.modelOf(variant),
      this.#settings,
      this.#slots,
      this.#threads,
      this.#lossScale,
    );
    this.#loops.set(variant, runner);
    return runner;
  }

  /** Loss and gradients of a batch; the latter stand in the slots. */
  async #differentiate(
    feeds: Feeds,
    variant: string | undefined,
    wanted: readonly string[],
  ): Promise<BackwardResult> {
    this.#averages.checkBack();
    const runner = await this.#sessions.training(variant);
    const fetches = wanted.length > 0 ? new Set([...this.#fetches, ...wanted]) : this.#fetches;
    const found = await runner.run(feeds, [...fetches], this.#into);
    const loss = scalar(this.#program.lossOutput, found[this.#program.lossOutput]!);
    let squares = 0;
    for (const slot of this.#slots) squares += collect(slot, feeds, found);
    const gradNorm = Math.sqrt(squares);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm))
      throw this.#diverged(`loss ${loss} and a`, gradNorm);
    const outputs = Object.fromEntries(wanted.map((name) => [name, found[name] ?? this.#copyOf(name)]));
    return { loss, gradNorm, outputs };
  }

  /** An output that the runtime has written into a slot. */
  #copyOf(output: string): HostTensor {
    const slot = this.#slots.find(({ name }) => this.#program.gradientOutputs[name] === output)!;
    return { type: 'float32', shape: slot.shape, data: slot.gradient!.slice() };
  }

  /** One update by the gradients in the slots. */
  #apply(lr: number, gradientScale: number): void {
    this.#step += 1;
    for (const slot of this.#slots) {
      if (slot.frozen) continue;
      const update = { lr: lr * slot.lrScale, decay: slot.decay, time: this.#step, gradientScale };
      if (slot.rowGradient) this.#rule.updateRows!(slot, slot.rowGradient, update);
      else this.#rule.update(slot, slot.gradient!, update);
    }
    this.#averages.update(this.#step);
  }

  #diverged(what: string, gradNorm: number): DivergedError {
    return new DivergedError(
      `update ${this.#step + 1} has ${what} gradient of norm ${gradNorm}: lower the learning rate or check the batch`,
    );
  }
}

/** Whether two updates can be made in one run. */
function alike(a: BatchStep, b: BatchStep): boolean {
  if (a.variant !== b.variant) return false;
  return Object.entries(a.feeds).every(([name, { shape }]) =>
    sameShape(shape, b.feeds[name]?.shape ?? shape),
  );
}
