export { attachKernels, kernelsOf, type VectorKernels } from './vector-kernels.ts';
