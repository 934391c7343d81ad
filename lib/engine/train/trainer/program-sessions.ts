import { ProgramError } from '../../host/index.ts';
import type { Slot } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { Runner } from '../session/index.ts';

/**
 * The sessions of a program and its variants, each opened when it is first asked for. All feed parameters from the
 * slots' own memory, so that an update reaches them without a copy; equal models share a session.
 */
export class ProgramSessions {
  readonly #program: TrainingProgram;
  readonly #slots: readonly Slot[];
  readonly #threads: number;
  readonly #opened = new Map<Uint8Array, Runner>();

  constructor(program: TrainingProgram, slots: readonly Slot[], threads: number) {
    this.#program = program;
    this.#slots = slots;
    this.#threads = threads;
  }

  /** @throws ProgramError when there is no such variant */
  modelOf(variant: string | undefined): Uint8Array {
    const { model, variants = {} } = this.#program;
    const chosen = variant === undefined ? model : variants[variant];
    if (chosen) return chosen;
    throw new ProgramError(
      `the program has no variant ${variant}; it has ${Object.keys(variants).join(', ') || 'none'}`,
    );
  }

  /** Forward and backward. @throws ProgramError when the model lacks an output; SessionError when the runtime refuses it */
  async training(variant: string | undefined): Promise<Runner> {
    const model = this.modelOf(variant);
    const opened = this.#opened.get(model);
    if (opened) return opened;
    const runner = await this.#open(model);
    const { lossOutput, gradientOutputs } = this.#program;
    for (const output of [lossOutput, ...Object.values(gradientOutputs)]) {
      if (!runner.outputNames.includes(output)) {
        const which = variant === undefined ? 'the model' : `variant ${variant}`;
        throw new ProgramError(`${which} has no output ${output}; it has ${runner.outputNames.join(', ')}`);
      }
    }
    return runner;
  }

  /** Forward only, of the variant where there is one, else of the program; else the training graph's. */
  async evaluation(variant: string | undefined): Promise<Runner> {
    const { evaluation, evaluationVariants = {} } = this.#program;
    const chosen = (variant === undefined ? undefined : evaluationVariants[variant]) ?? evaluation;
    if (!chosen) return this.training(variant);
    return this.#opened.get(chosen) ?? this.#open(chosen);
  }

  async close(): Promise<void> {
    for (const runner of this.#opened.values()) await runner.close();
  }

  async #open(model: Uint8Array): Promise<Runner> {
    const runner = await Runner.open(model, this.#threads);
    for (const { name, value, shape } of this.#slots) runner.fix(name, value, shape);
    if (this.#program.lossScale) runner.fix(this.#program.lossScale, Float32Array.of(1), []);
    this.#opened.set(model, runner);
    return runner;
  }
}
