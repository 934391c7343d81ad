import { alignedGroups, ProgramError } from '../../host/index.ts';
import type { RowGradientOutput, TrainingProgram } from '../program.ts';
import type { OptimiserSettings } from './optimiser-options.ts';
import type { RowGradient } from './row-gradient.ts';
import type { Target, UpdateRule } from './update-rule.ts';

/** A parameter and all that training keeps for it. */
export interface Slot extends Target {
  name: string;
  /** Absent from what is trained: its state is empty and it never moves. */
  frozen: boolean;
  /** Dense gradient of the last batch; absent when frozen or updated lazily. */
  gradient?: Float32Array;
  /** Of the last batch, for a lazily updated table. */
  rowGradient?: RowGradient;
  /** Moving average of the value, where one is kept. */
  average?: Float32Array;
  lookups: readonly RowGradientOutput[];
  /** The runtime writes the dense gradient itself. */
  fetched: boolean;
  decay: number;
  lrScale: number;
}

/** Memory for a program's parameters, gradients and optimiser state, aligned for the runtime. */
export function layOut(program: TrainingProgram, settings: OptimiserSettings, rule: UpdateRule): Slot[] {
  const plans = program.parameters.map(({ name, shape }) => {
    const fetched = name in program.gradientOutputs;
    const lookups = program.rowGradients?.[name] ?? [];
    const lazy = settings.groups[name]!.lazy && lookups.length > 0;
    if (lazy && fetched) {
      throw new ProgramError(
        `${name} has a dense gradient too, so it cannot be updated lazily: use rows: 'exact'`,
      );
    }
    if (lazy && !rule.updateRows) {
      throw new ProgramError(
        `${settings.rule.kind} needs the whole gradient of ${name}, so it cannot be updated lazily: use rows: 'exact'`,
      );
    }
    const frozen = !fetched && lookups.length === 0;
    return { fetched, lookups, frozen, dense: !frozen && !lazy, state: frozen ? {} : rule.slots(shape) };
  });
  const arrays = alignedGroups(
    program.parameters.map(({ data }, i) => {
      const { dense, state } = plans[i]!;
      return [data.length, dense ? data.length : 0, ...Object.values(state)];
    }),
  );
  return program.parameters.map(({ name, shape, data }, i) => {
    const { fetched, lookups, frozen, dense, state } = plans[i]!;
    const { decay, lrScale } = settings.groups[name]!;
    const [value, gradient, ...kept] = arrays[i]! as [Float32Array, Float32Array, ...Float32Array[]];
    value.set(data);
    return {
      name,
      shape,
      value,
      state: Object.fromEntries(Object.keys(state).map((slot, k) => [slot, kept[k]!])),
      frozen,
      lookups,
      fetched,
      decay,
      lrScale,
      ...(dense ? { gradient } : {}),
    };
  });
}
