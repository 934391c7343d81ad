import type { Feeds, HostTensor } from '../../host/index.ts';
import { ProgramError } from '../../host/index.ts';
import { addRows, type Slot, sumOfSquares, sumRows } from '../optimisers/index.ts';

/** Brings a slot's gradient together; its sum of squares. */
export function collect(slot: Slot, feeds: Feeds, outputs: Feeds): number {
  if (slot.lookups.length > 0) {
    const lookups = slot.lookups.map(({ ids, rows }) => ({
      ids: (feeds[ids] ?? outputs[ids]!).data,
      rows: floats(rows, outputs[rows]!),
    }));
    const [tableRows, width] = slot.shape as readonly [number, number];
    const gradient = sumRows(lookups, tableRows, width);
    if (!slot.gradient) slot.rowGradient = gradient;
    else {
      if (!slot.fetched) slot.gradient.fill(0);
      addRows(slot.gradient, gradient);
    }
  }
  return squaresOf(slot);
}

/** Sum of squares of the gradient in a slot; 0 when frozen. */
export function squaresOf({ gradient, rowGradient }: Slot): number {
  const values = rowGradient?.values ?? gradient;
  return values ? sumOfSquares(values) : 0;
}

function floats(name: string, tensor: HostTensor): Float32Array {
  if (tensor.type !== 'float32')
    throw new ProgramError(`output ${name} has type ${tensor.type}, float32 is expected`);
  return tensor.data;
}

/** @throws ProgramError when an output is no float32 scalar */
export function scalar(name: string, tensor: HostTensor): number {
  const data = floats(name, tensor);
  if (data.length !== 1)
    throw new ProgramError(`the loss ${name} has ${data.length} values; it must be a scalar`);
  return data[0]!;
}
