/**
 * What must belong together where a job runs on a GPU; the images and the check at the start of a job follow it, and a test
 * holds the lock file and the Dockerfiles to it.
 */
export const VERSIONS = {
  /** Of the images and of the functions' runtime. */
  node: '22.23.3',
  /** `onnxruntime-node`, and with it the CUDA provider of the same number. */
  onnxruntime: '1.30.0',
  /**
   * What that provider is linked against, by public reports of its Python twin (rembg 849: libcublasLt.so.13). The build of the
   * image holds the file itself to it.
   */
  cuda: '13.0.2',
  /** Major number of the oldest driver that runs this CUDA (CUDA release notes, table "CUDA Toolkit and driver versions"). */
  leastDriver: 580,
} as const;
