/**
 * Scales a ≥ 0 of several models' logits so that softmax(Σ a_k z_k) has the least log loss on held-out labels: for one
 * model temperature scaling (Guo et al. 2017, section 4.2), for several a stack of them. The loss is convex in the
 * scales: Newton steps, halved until the loss falls. A normal prior of the weight of one row draws the scales to equal ones of sum 1: where
 * every held-out label is told right, larger scales would be better without end, and the next text told wrong would cost all.
 * @param parts logits (rows, classes) of each model, row-major
 * @param labels class of each row
 */
export function fitLogitScales(
  parts: readonly Float32Array[],
  labels: ArrayLike<number>,
  classes: number,
): number[] {
  let scales = parts.map(() => 1 / parts.length);
  let current = lossOf(parts, labels, classes, scales);
  for (let iteration = 0; iteration < 50; iteration++) {
    const step = newtonStep(current.gradient, current.hessian);
    let size = 1;
    let next: { scales: number[]; loss: LossAt } | undefined;
    while (size > 1e-6) {
      const tried = scales.map((scale, k) => Math.max(0, scale - size * step[k]!));
      const loss = lossOf(parts, labels, classes, tried);
      if (loss.value < current.value) {
        next = { scales: tried, loss };
        break;
      }
      size /= 2;
    }
    if (!next) break;
    const gained = current.value - next.loss.value;
    ({ scales } = next);
    current = next.loss;
    if (gained < 1e-10) break;
  }
  return scales;
}

interface LossAt {
  readonly value: number;
  readonly gradient: number[];
  readonly hessian: number[][];
}

/** Mean log loss at some scales, and the prior's part, with its derivatives: those of log Σ exp are mean and covariance of the logits under softmax. */
function lossOf(
  parts: readonly Float32Array[],
  labels: ArrayLike<number>,
  classes: number,
  scales: readonly number[],
): LossAt {
  const count = parts.length;
  const gradient = new Array<number>(count).fill(0);
  const hessian = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const usual = 1 / count;
  let value = 0;
  scales.forEach((scale, k) => {
    value += (scale - usual) ** 2 / (2 * labels.length);
    gradient[k]! += (scale - usual) / labels.length;
    hessian[k]![k]! += 1 / labels.length;
  });
  const p = new Float64Array(classes);
  for (let row = 0; row < labels.length; row++) {
    const at = row * classes;
    const mixed = (c: number) => parts.reduce((sum, z, k) => sum + scales[k]! * z[at + c]!, 0);
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      p[c] = mixed(c);
      largest = Math.max(largest, p[c]!);
    }
    const chance = p[labels[row]!]!;
    let total = 0;
    for (let c = 0; c < classes; c++) {
      p[c] = Math.exp(p[c]! - largest);
      total += p[c]!;
    }
    value += (Math.log(total) + largest - chance) / labels.length;
    const means = parts.map((z) => {
      let mean = 0;
      for (let c = 0; c < classes; c++) mean += (p[c]! / total) * z[at + c]!;
      return mean;
    });
    for (let k = 0; k < count; k++) {
      gradient[k]! += (means[k]! - parts[k]![at + labels[row]!]!) / labels.length;
      for (let l = 0; l <= k; l++) {
        let covariance = 0;
        for (let c = 0; c < classes; c++) {
          covariance += (p[c]! / total) * (parts[k]![at + c]! - means[k]!) * (parts[l]![at + c]! - means[l]!);
        }
        hessian[k]![l]! += covariance / labels.length;
        if (l < k) hessian[l]![k]! += covariance / labels.length;
      }
    }
  }
  return { value, gradient, hessian };
}

/** H⁻¹ g by Gauss's elimination, with a little on the diagonal: logits that do not differ have no curvature. */
function newtonStep(gradient: readonly number[], hessian: readonly (readonly number[])[]): number[] {
  const n = gradient.length;
  const rows = hessian.map((row, i) => [...row.map((h, j) => (i === j ? h + 1e-9 : h)), gradient[i]!]);
  for (let i = 0; i < n; i++) {
    for (let k = i + 1; k < n; k++) {
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= n; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const step = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let left = rows[i]![n]!;
    for (let j = i + 1; j < n; j++) left -= rows[i]![j]! * step[j]!;
    step[i] = left / rows[i]![i]!;
  }
  return step;
}
