/**
 * What must belong together where a job runs on a GPU; the images and the check at the start of a job follow it, and a test
 * holds the lock file and the Dockerfiles to it.
 */
export const VERSIONS = {
  /** Of the images and of the functions' runtime. */
  node: '22.23.3',
  /** `onnxruntime-node`, and with it the CUDA provider of the same number. */
  onnxruntime: '1.30.0',
  /** What that provider is linked against: CUDA 13 since 1.27 or so (its `ldd` names libcublasLt.so.13), cuDNN 9. */
  cuda: '13.0.2',
  cudnn: 9,
  /** Major number of the oldest driver that runs this CUDA (CUDA release notes, table "CUDA Toolkit and driver versions"). */
  leastDriver: 580,
} as const;
