import * as ort from 'onnxruntime-node';
import {
  alignedBuffer,
  askedDevice,
  checkTensor,
  type ElementType,
  executionProviders,
  type Feeds,
  type HostTensor,
  ProgramError,
  SessionError,
} from '../../host/index.ts';

/**
 * Options of every session here: one graph at a time, in order, on a fixed number of threads, so that runs repeat; on the
 * device that NIGHTJAR_DEVICE asks for, which the images of jobs set.
 */
function sessionOptions(threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: executionProviders(askedDevice()),
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // the plan of a second run's memory is laid out beside what the first run took: 3 % faster, 1.7 times the memory
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}

interface Slot {
  buffer: ArrayBuffer;
  tensor: ort.Tensor | undefined;
}

/**
 * A session on the calling thread, which it blocks while it runs. Feeds are copied to page-aligned slots, one per
 * input and reused: the runtime's sums depend on alignment, and where a received buffer lies is chance.
 */
export class Runner {
  readonly #session: ort.InferenceSession;
  readonly #slots = new Map<string, Slot>();
  readonly #fixed = new Map<string, ort.Tensor>();

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** @throws SessionError when the runtime refuses the model */
  static async open(model: Uint8Array, threads: number): Promise<Runner> {
    try {
      return new Runner(await ort.InferenceSession.create(model, sessionOptions(threads)));
    } catch (cause) {
      const asked =
        askedDevice() === 'cuda'
          ? ' (NIGHTJAR_DEVICE=cuda asks for a GPU, its driver and the CUDA provider of onnxruntime: unset it to run on the CPU)'
          : '';
      throw new SessionError(`onnxruntime refused the model: ${messageOf(cause)}${asked}`, { cause });
    }
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  /** Feed an input from this very memory in every run; the memory is the caller's and should be aligned. */
  fix(name: string, data: Float32Array, shape: readonly number[]): void {
    this.#fixed.set(name, new ort.Tensor('float32', data, shape));
  }

  /** Keep a copy of these tensors and feed it in every run. */
  fixCopies(feeds: Feeds): void {
    for (const [name, tensor] of Object.entries(feeds)) this.#fixed.set(name, this.#toSlot(name, tensor));
  }

  /**
   * One run.
   * @param into outputs that the runtime writes into given memory, so that they need no copy
   * @returns the other outputs asked for, in memory of their own
   */
  async run(
    feeds: Feeds,
    outputs: readonly string[],
    into?: ReadonlyMap<string, ort.Tensor>,
  ): Promise<Feeds> {
    const inputs = this.#gather(feeds);
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const name of outputs) {
      if (!this.outputNames.includes(name)) {
        throw new ProgramError(`the model has no output ${name}; it has ${this.outputNames.join(', ')}`);
      }
      fetches[name] = into?.get(name) ?? null;
    }
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.#session.run(inputs, fetches);
    } catch (cause) {
      throw new SessionError(`onnxruntime could not run the model: ${messageOf(cause)}`, { cause });
    }
    const found: Feeds = {};
    for (const name of outputs) if (!into?.has(name)) found[name] = toHost(name, results[name] as ort.Tensor);
    return found;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  #gather(feeds: Feeds): Record<string, ort.Tensor> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const name of this.inputNames) {
      const given = feeds[name];
      const tensor = given ? this.#toSlot(name, given) : this.#fixed.get(name);
      if (!tensor) {
        throw new ProgramError(
          `the model's input ${name} was not fed; given were ${Object.keys(feeds).join(', ') || 'none'}`,
        );
      }
      inputs[name] = tensor;
    }
    for (const name of Object.keys(feeds)) {
      if (!(name in inputs)) {
        throw new ProgramError(`the model has no input ${name}; it has ${this.inputNames.join(', ')}`);
      }
    }
    return inputs;
  }

  #toSlot(name: string, given: HostTensor): ort.Tensor {
    checkTensor(name, given);
    let slot = this.#slots.get(name);
    if (!slot || slot.buffer.byteLength < given.data.byteLength) {
      slot = { buffer: alignedBuffer(given.data.byteLength), tensor: undefined };
      this.#slots.set(name, slot);
    }
    const bytes = new Uint8Array(given.data.buffer, given.data.byteOffset, given.data.byteLength);
    new Uint8Array(slot.buffer).set(bytes);
    const known = slot.tensor;
    if (known?.type === given.type && sameShape(known.dims, given.shape)) return known;
    slot.tensor = new ort.Tensor(given.type, viewOf(given.type, slot.buffer, given.data.length), given.shape);
    return slot.tensor;
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

function viewOf(type: ElementType, buffer: ArrayBuffer, length: number): HostTensor['data'] {
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, 0, length);
    case 'float64':
      return new Float64Array(buffer, 0, length);
    case 'int64':
      return new BigInt64Array(buffer, 0, length);
    case 'int32':
      return new Int32Array(buffer, 0, length);
    case 'bool':
      return new Uint8Array(buffer, 0, length);
  }
}

function toHost(name: string, tensor: ort.Tensor): HostTensor {
  const { type, dims: shape, data } = tensor;
  if (type === 'float32' && data instanceof Float32Array) return { type, shape, data };
  if (type === 'float64' && data instanceof Float64Array) return { type, shape, data };
  if (type === 'int64' && data instanceof BigInt64Array) return { type, shape, data };
  if (type === 'int32' && data instanceof Int32Array) return { type, shape, data };
  if (type === 'bool' && data instanceof Uint8Array) return { type, shape, data };
  throw new ProgramError(
    `output ${name} has type ${type}; float32, float64, int64, int32 and bool can be read`,
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
