import { bins, type Head } from '../heads.ts';
import type { Network } from './graph.ts';
import type { ParameterValues } from './parameters.ts';

/**
 * Which outputs have an outcome to learn from.
 * @param weights (rows, outputs): 0 where an outcome is not known
 */
export function seenBins(heads: readonly Head[], weights: Float32Array): boolean[] {
  const outputs = bins({ heads });
  const seen = new Array<boolean>(outputs).fill(false);
  weights.forEach((weight, i) => {
    if (weight > 0) seen[i % outputs] = true;
  });
  return seen;
}

/** Per task, whether any part of its window has an outcome. */
export function answeredTasks(heads: readonly Head[], seen: readonly boolean[]): boolean[] {
  let first = 0;
  return heads.map(({ bins: count }) => {
    first += count;
    return seen.slice(first - count, first).includes(true);
  });
}

/**
 * Parts of a window that are never over in the data take the hazard of the part before them; those of a task without any
 * outcome stay as they are.
 */
export function withUnseenBins(
  { heads, branches }: Network,
  parameters: ParameterValues,
  seen: readonly boolean[],
): ParameterValues {
  const outputs = seen.length;
  const source = seen.map((_, k) => k);
  let first = 0;
  for (const { bins } of heads) {
    const known = seen.indexOf(true, first);
    if (known >= 0 && known < first + bins) {
      for (let k = first; k < first + bins; k++) source[k] = seen[k] ? k : k < known ? known : source[k - 1]!;
    }
    first += bins;
  }
  if (source.every((from, k) => from === k)) return parameters;
  const copied = branches
    .flatMap(({ perOutput }) => perOutput)
    .map((name) => {
      const data = parameters[name]!;
      return [name, data.map((_, i) => data[i - (i % outputs) + source[i % outputs]!]!)] as const;
    });
  return { ...parameters, ...Object.fromEntries(copied) };
}
