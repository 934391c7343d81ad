export { alignedBuffer, alignedFloats, alignedGroups } from './aligned.ts';
export { solvePositive } from './cholesky.ts';
export { askedDevice, type Device, executionProviders } from './device.ts';
export {
  AbortedError,
  CheckpointError,
  DivergedError,
  fromPlainError,
  type PlainError,
  ProgramError,
  SessionError,
  TrainError,
  toPlainError,
} from './errors.ts';
export { digamma, logGamma, logGammaRatio } from './gamma.ts';
export { kernelsOf } from './kernels/index.ts';
export { gatherRows, sigmoid, softplus } from './numbers.ts';
export { createRng, philox, Rng, type RngState } from './rng.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
export {
  bool,
  checkTensor,
  type ElementType,
  type Feeds,
  float32,
  float64,
  type HostTensor,
  int32,
  int64,
  sizeOf,
  toPost,
} from './tensor.ts';
