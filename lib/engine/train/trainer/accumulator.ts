import type { Rng } from '../../host/index.ts';
import { ProgramError } from '../../host/index.ts';
import { type RowGradient, type Slot, sumRows } from '../optimisers/index.ts';
import { addNormals, uniformsOf } from './noise.ts';

/**
 * Sums of gradients over several batches. Memory for the dense ones is taken at the first use, so that training without
 * accumulation does without.
 */
export class Accumulator {
  readonly #slots: readonly Slot[];
  readonly #dense = new Map<Slot, Float32Array>();
  readonly #rows = new Map<Slot, RowGradient>();
  #empty = true;

  constructor(slots: readonly Slot[]) {
    this.#slots = slots.filter(({ frozen }) => !frozen);
  }

  get empty(): boolean {
    return this.#empty;
  }

  /** Adds `factor` times the last batch's gradients. */
  add(factor: number): void {
    for (const slot of this.#slots) {
      if (slot.gradient) this.#addDense(slot, slot.gradient, factor);
      else if (slot.rowGradient) this.#addRows(slot, slot.rowGradient, factor);
    }
    this.#empty = false;
  }

  /** @throws ProgramError when a table is updated lazily: its untouched rows would get no noise */
  addNoise(deviation: number, source: Rng | undefined): void {
    const lazy = this.#slots.find(({ gradient }) => !gradient);
    if (lazy) {
      throw new ProgramError(
        `${lazy.name} is updated lazily, so noise cannot cover all of its rows: use rows: 'exact'`,
      );
    }
    const uniform = uniformsOf(source);
    for (const slot of this.#slots) {
      const sum = this.#sumOf(slot);
      if (this.#empty) sum.fill(0);
      addNormals(sum, deviation, uniform);
    }
    this.#empty = false;
  }

  /** Puts the sums in the place of the last batch's gradients, and is empty then. */
  restore(): void {
    for (const slot of this.#slots) {
      if (slot.gradient) slot.gradient.set(this.#sumOf(slot));
      else slot.rowGradient = this.#rows.get(slot)!;
    }
    this.clear();
  }

  clear(): void {
    this.#empty = true;
    this.#rows.clear();
  }

  #sumOf(slot: Slot): Float32Array {
    let sum = this.#dense.get(slot);
    if (!sum) {
      sum = new Float32Array(slot.value.length);
      this.#dense.set(slot, sum);
    }
    return sum;
  }

  #addDense(slot: Slot, gradient: Float32Array, factor: number): void {
    const sum = this.#sumOf(slot);
    if (this.#empty && factor === 1) sum.set(gradient);
    else if (this.#empty) for (let i = 0; i < sum.length; i++) sum[i] = factor * gradient[i]!;
    else for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + factor * gradient[i]!;
  }

  #addRows(slot: Slot, { ids, values, width }: RowGradient, factor: number): void {
    const rows = factor === 1 ? values : values.map((value) => factor * value);
    const before = this.#rows.get(slot);
    const lookups = [...(before ? [{ ids: before.ids, rows: before.values }] : []), { ids, rows }];
    this.#rows.set(slot, before ? sumRows(lookups, slot.shape[0]!, width) : { ids, values: rows, width });
  }
}
