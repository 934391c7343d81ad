import { ProgramError } from '../../host/index.ts';
import type { Slot } from '../optimisers/index.ts';

/** All that training changes. */
export interface TrainerState {
  /** Updates done. */
  step: number;
  /** The trained ones: frozen ones are as the program has them. */
  parameters: Record<string, Float32Array>;
  /** What the optimiser keeps, by slot name (AdamW: first, second), then by trained parameter. */
  optimiser: Record<string, Record<string, Float32Array>>;
  /** Moving averages of the trained parameters, where they are kept. */
  averages?: Record<string, Float32Array>;
  /** Scale of the gradients in mixed precision, and the steps since it changed. */
  lossScale?: { value: number; steps: number };
}

/** Parameters of another model to start from; the optimiser starts anew. Names not given keep their values. */
export interface StartingPoint {
  parameters: Record<string, Float32Array>;
}

/** Copies of the trained parameters. */
export function copyParameters(slots: readonly Slot[]): Record<string, Float32Array> {
  return Object.fromEntries(
    slots.filter(({ frozen }) => !frozen).map(({ name, value }) => [name, value.slice()]),
  );
}

/** Copies, so that they can leave the thread. */
export function copyState(step: number, slots: readonly Slot[]): TrainerState {
  const optimiser: TrainerState['optimiser'] = {};
  const averages: Record<string, Float32Array> = {};
  for (const slot of slots) {
    for (const [kept, values] of Object.entries(slot.state)) {
      optimiser[kept] ??= {};
      optimiser[kept][slot.name] = values.slice();
    }
    if (slot.average) averages[slot.name] = slot.average.slice();
  }
  return {
    step,
    parameters: copyParameters(slots),
    optimiser,
    ...(Object.keys(averages).length > 0 ? { averages } : {}),
  };
}

/**
 * Puts a state, or a starting point and a fresh optimiser, into the slots.
 * @throws ProgramError when a tensor is unknown or of another size, or a state lacks one; nothing is loaded then
 */
export function loadState(slots: readonly Slot[], given: TrainerState | StartingPoint): void {
  const state = 'step' in given ? given : undefined;
  const kept = new Set([
    ...slots.flatMap((slot) => Object.keys(slot.state)),
    ...Object.keys(state?.optimiser ?? {}),
  ]);
  const placed = [
    ...place(slots, 'parameter', given.parameters, state !== undefined, (slot) => slot.value),
    ...(state
      ? [
          ...[...kept].flatMap((name) =>
            place(slots, `${name} state of`, state.optimiser[name] ?? {}, true, (slot) => slot.state[name]),
          ),
          ...place(slots, 'average of', state.averages ?? {}, true, (slot) => slot.average),
        ]
      : []),
  ];
  for (const { state: own } of slots) for (const values of Object.values(own)) values.fill(0);
  for (const { to, data } of placed) to.set(data);
  if (!state) for (const { value, average } of slots) average?.set(value);
}

function place(
  slots: readonly Slot[],
  what: string,
  tensors: Record<string, Float32Array>,
  whole: boolean,
  into: (slot: Slot) => Float32Array | undefined,
): { to: Float32Array; data: Float32Array }[] {
  for (const name of Object.keys(tensors)) {
    const slot = slots.find((candidate) => candidate.name === name);
    if (!slot || !into(slot))
      throw new ProgramError(`the ${what} ${name} was given; this program has none of that name`);
  }
  return slots.flatMap((slot) => {
    const to = into(slot);
    const data = tensors[slot.name];
    if (to && data && to.length !== data.length) {
      throw new ProgramError(
        `the ${what} ${slot.name} has ${data.length} values, the program's has ${to.length}`,
      );
    }
    if (to && !data && whole && !slot.frozen)
      throw new ProgramError(`the given state has no ${what} ${slot.name}`);
    return to && data ? [{ to, data }] : [];
  });
}
