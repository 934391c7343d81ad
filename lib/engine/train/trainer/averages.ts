import { ProgramError } from '../../host/index.ts';
import type { Slot } from '../optimisers/index.ts';

/**
 * Exponential moving averages of the trained parameters (Polyak & Juditsky 1992 for the idea): after update t, from 1,
 * a += (1 - d) (p - a) with d = min(decay, (1 + t) / (10 + t)), which lets the first values go soon (as TensorFlow's
 * ExponentialMovingAverage with num_updates). They start as the parameters themselves.
 */
export class Averages {
  readonly #slots: readonly Slot[];
  #decay: number | undefined;
  #swapped = false;

  constructor(slots: readonly Slot[]) {
    this.#slots = slots.filter(({ frozen }) => !frozen);
  }

  get kept(): boolean {
    return this.#decay !== undefined;
  }

  /**
   * Averages from the parameters' present values on; null ends them.
   * @throws ProgramError when the decay is outside (0, 1)
   */
  keep(decay: number | null): void {
    if (decay !== null && !(decay > 0 && decay < 1))
      throw new ProgramError(`the decay of a moving average lies in (0, 1), given ${decay}`);
    this.checkBack();
    this.#decay = decay ?? undefined;
    for (const slot of this.#slots) {
      if (decay === null) delete slot.average;
      else slot.average = slot.value.slice();
    }
  }

  /** @param time number of the update that was made, from 1 */
  update(time: number): void {
    if (this.#decay === undefined) return;
    const fresh = 1 - Math.min(this.#decay, (1 + time) / (10 + time));
    for (const { value, average } of this.#slots) {
      if (!average) continue;
      for (let i = 0; i < value.length; i++) average[i] = average[i]! + fresh * (value[i]! - average[i]!);
    }
  }

  /** Exchanges parameters and averages. @throws ProgramError when none are kept */
  swap(): void {
    if (this.#decay === undefined)
      throw new ProgramError('there are no moving averages: call average before training');
    for (const { value, average } of this.#slots) {
      const kept = value.slice();
      value.set(average!);
      average!.set(kept);
    }
    this.#swapped = !this.#swapped;
  }

  /** @throws ProgramError while averages stand in the parameters' place */
  checkBack(): void {
    if (this.#swapped)
      throw new ProgramError(
        'the moving averages stand in the place of the parameters: let withAverages end',
      );
  }
}
