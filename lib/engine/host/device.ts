import { ProgramError } from './errors.ts';

/** Where the runtime computes: `cuda` puts what has a CUDA kernel on the first GPU. */
export type Device = 'cpu' | 'cuda';

/** Execution providers of the runtime, the first one that can run an operator runs it. */
export const executionProviders = (device: Device): string[] =>
  device === 'cuda' ? ['cuda', 'cpu'] : ['cpu'];

/**
 * What NIGHTJAR_DEVICE asks for; `cpu` where it is not set.
 * @throws ProgramError for any other value: a misspelt one would compute on the CPU of a machine that is paid for its GPU
 */
export function askedDevice(env: Readonly<Record<string, string | undefined>> = process.env): Device {
  const value = env.NIGHTJAR_DEVICE;
  if (value === undefined || value === 'cpu') return 'cpu';
  if (value === 'cuda') return 'cuda';
  throw new ProgramError(
    `NIGHTJAR_DEVICE: given "${value}", expected "cpu" or "cuda"; unset it to compute on the CPU`,
  );
}
