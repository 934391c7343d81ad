import { askedDevice, ProgramError } from '../../host/index.ts';
import type { OptimiserSettings } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import type { Precision } from './loop-program.ts';

/**
 * Who updates. `cpu`: gradients come out of the runtime and TypeScript updates the parameters in place. `device`: the
 * optimiser is in the graph, many steps run in one ONNX Loop and parameters stay on the device meanwhile. Both run the
 * same gradient graph.
 */
export type Driver = 'cpu' | 'device';

/** The driver of a program: as asked, else `device` on a GPU where the program can have it. @throws ProgramError when asked for what it cannot have */
export function settleDriver(
  program: TrainingProgram,
  settings: OptimiserSettings,
  { driver: asked, precision = 'float32' }: { driver?: Driver | undefined; precision?: Precision } = {},
): Driver {
  const reason = whyNotDevice(program, settings);
  if (asked === 'device' && reason) throw new ProgramError(`the device driver cannot train this: ${reason}`);
  const mixed = precision === 'mixed';
  if (mixed && (asked === 'cpu' || reason || !program.lossScale)) {
    throw new ProgramError(
      `mixed precision is the device driver's: ${reason ?? (program.lossScale ? 'ask for it' : 'and the program has no loss scale (see trainingGraph)')}`,
    );
  }
  if (mixed) return 'device';
  return asked ?? (askedDevice() === 'cuda' && !reason ? 'device' : 'cpu');
}

function whyNotDevice(
  { parameters, rowGradients = {} }: TrainingProgram,
  { rule, groups }: OptimiserSettings,
): string | undefined {
  if (rule.kind === 'adafactor') return 'it updates by adamw, sgd or adagrad, and not by adafactor';
  const lazy = parameters.find(({ name }) => groups[name]!.lazy && rowGradients[name]);
  return lazy && `${lazy.name} is updated lazily: use rows: 'exact'`;
}
