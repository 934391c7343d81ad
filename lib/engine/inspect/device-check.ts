import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { trainingGraph } from '../autodiff/index.ts';
import { askedDevice, createRng, type Device, executionProviders, SessionError } from '../host/index.ts';
import { GraphBuilder } from '../onnx/index.ts';

/** What a device made of a product and its gradient. */
export interface DeviceCheck {
  readonly device: Device;
  /** Operators that were run, by the execution provider that ran them. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Largest difference from the values in float64, as a part of the largest value. */
  readonly difference: number;
}

const [ROWS, INNER, COLUMNS] = [32, 256, 16];
/** Rounding of float32 sums of 256 products; TF32, with its 10 bits, is some hundred times above. */
const ALLOWED = 1e-5;

const PROVIDERS: Readonly<Record<Device, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
};

/**
 * Computes sum(tanh(x w)) and its gradient by w on the device that NIGHTJAR_DEVICE asks for, and compares both with the same
 * in float64. The runtime's profile says which provider ran each operator, as onnxruntime moves to the CPU in silence what
 * a provider cannot run.
 * @throws SessionError where the device cannot be had, ran nothing, or computes something else
 */
export async function checkDevice(): Promise<DeviceCheck> {
  const device = askedDevice();
  const rng = createRng('device check');
  const x = Float32Array.from({ length: ROWS * INNER }, () => rng.normal());
  const w = Float32Array.from({ length: INNER * COLUMNS }, () => rng.normal() / Math.sqrt(INNER));
  const { model, gradientOutputs } = trainingGraph(small(w), { loss: 'loss' });
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-device-'));
  try {
    const found = await profiled(model, device, join(folder, 'profile'), {
      x: new ort.Tensor('float32', x, [ROWS, INNER]),
      w: new ort.Tensor('float32', w, [INNER, COLUMNS]),
    });
    const nodes = nodesOf(folder);
    const expected = inDouble(x, w);
    const difference = Math.max(
      Math.abs((found.loss!.data as Float32Array)[0]! - expected.loss) / expected.terms,
      differenceOf(found[gradientOutputs.w!]!.data as Float32Array, expected.gradient),
    );
    if (!nodes[PROVIDERS[device]]) {
      throw new SessionError(
        `NIGHTJAR_DEVICE=${device}, but ${PROVIDERS[device]} ran none of the operators: ${JSON.stringify(nodes)}`,
      );
    }
    // Not below: a NaN differs, too.
    if (!(difference <= ALLOWED)) {
      throw new SessionError(
        `the device computes something else than the CPU: a product and its gradient differ by ${difference} of their ` +
          `size, allowed are ${ALLOWED} (with TF32 on, set NVIDIA_TF32_OVERRIDE=0; else take the machine out of use)`,
      );
    }
    return { device, nodes, difference };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function small(w: Float32Array) {
  const g = new GraphBuilder('device check');
  const x = g.input('x', 'float32', [ROWS, INNER]);
  const weights = g.parameter('w', [INNER, COLUMNS], w);
  g.output('loss', g.reduceSum(g.tanh(g.matmul(x, weights)), [0, 1]));
  return g.build();
}

async function profiled(
  model: Uint8Array,
  device: Device,
  profileFilePrefix: string,
  feeds: Record<string, ort.Tensor>,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: executionProviders(device),
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix,
    });
    const results = await session.run(feeds);
    session.endProfiling();
    await session.release();
    return results;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SessionError(
      `onnxruntime cannot compute on the device that NIGHTJAR_DEVICE=${device} asks for: ${message}`,
      { cause },
    );
  }
}

/** A line of onnxruntime's profile. */
interface ProfileEvent {
  readonly cat: string;
  readonly args?: { readonly provider?: string };
}

function nodesOf(folder: string): Record<string, number> {
  const nodes: Record<string, number> = {};
  for (const file of readdirSync(folder)) {
    const events: ProfileEvent[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    for (const { cat, args } of events) {
      if (cat === 'Node' && args?.provider) nodes[args.provider] = (nodes[args.provider] ?? 0) + 1;
    }
  }
  return nodes;
}

/** sum(tanh(x w)) with the sum of the terms' sizes, and its gradient by w: x' (1 - tanh^2). */
function inDouble(x: Float32Array, w: Float32Array) {
  const gradient = new Float64Array(INNER * COLUMNS);
  let [loss, terms] = [0, 0];
  for (let r = 0; r < ROWS; r++) {
    for (let c = 0; c < COLUMNS; c++) {
      let sum = 0;
      for (let i = 0; i < INNER; i++) sum += x[r * INNER + i]! * w[i * COLUMNS + c]!;
      const t = Math.tanh(sum);
      loss += t;
      terms += Math.abs(t);
      for (let i = 0; i < INNER; i++) gradient[i * COLUMNS + c]! += x[r * INNER + i]! * (1 - t * t);
    }
  }
  return { loss, terms, gradient };
}

function differenceOf(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [largest, apart] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const difference = Math.abs(found[i]! - expected[i]!);
    if (!(difference <= apart)) apart = difference;
  }
  return apart / largest;
}
