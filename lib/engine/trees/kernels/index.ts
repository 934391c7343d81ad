import { assemble, type Kernel } from '../../host/assembler.ts';
import { assign } from './assign.ts';
import { logistic } from './gradient.ts';
import { histogram, subtract, sumBins } from './histogram.ts';
import { copy, partition } from './partition.ts';
import { scan } from './split.ts';

export { MOST_PAGES } from '../../host/assembler.ts';
export { SEARCHED_EDGES } from './assign.ts';
export { COLUMN_BYTES, COLUMNS_PER_PASS } from './histogram.ts';
export { ANSWER, QUESTION } from './split.ts';

/** What the kernels do stands beside each of them; all arguments are addresses, counts and bins (int32). */
export type KernelName =
  | 'histogram'
  | 'subtract'
  | 'sumBins'
  | 'scan'
  | 'partition'
  | 'logistic'
  | 'assign'
  | 'copy';
export type Kernels = Readonly<Record<KernelName, (...given: number[]) => void>>;

const table: Readonly<Record<KernelName, Kernel>> = {
  histogram: histogram(),
  subtract: subtract(),
  sumBins: sumBins(),
  scan: scan(),
  partition: partition(),
  logistic: logistic(),
  assign: assign(),
  copy: copy(),
};

/** The names in the order in which calls between threads number them. */
export const KERNEL_NAMES = Object.keys(table) as KernelName[];

let compiled: WebAssembly.Module | undefined;

export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(assemble(Object.values(table), 'shared'));
  return compiled;
}

/** The kernels over this (shared) memory. */
export function kernelsOver(memory: WebAssembly.Memory): Kernels {
  const { exports } = new WebAssembly.Instance(kernelModule(), { env: { memory } });
  return exports as unknown as Kernels;
}
