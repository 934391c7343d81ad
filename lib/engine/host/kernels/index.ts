export { attachKernels, kernelsOf } from './vector-kernels.ts';
