/** The scale of gradients in half precision and the steps since it changed, one value each. */
export interface LossScale {
  value: Float32Array;
  steps: Float32Array;
}

/** The scale to begin with: PyTorch's default. An overflow halves it. */
export const firstScale = (): LossScale => ({
  value: Float32Array.of(65_536),
  steps: new Float32Array(1),
});
