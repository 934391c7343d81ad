import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bool,
  CheckpointError,
  createRng,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  float64,
  int32,
  int64,
} from '../../../lib/engine/host/index.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../../lib/engine/train/index.ts';

const foreign = new Uint8Array(
  readFileSync(new URL('./fixtures/written-by-python.safetensors', import.meta.url)),
);

const tensors = {
  floats: float32(Float32Array.from([0, 0.25, 0.5, 0.75, 1, 1.25]), [2, 3]),
  doubles: float64(Float64Array.from([0.1, -1e300]), [2]),
  ids: int64(BigInt64Array.from([2n ** 40n, -1n]), [1, 2]),
  counts: int32(Int32Array.from([7, -8, 9]), [3]),
  flags: bool(Uint8Array.from([1, 0, 1]), [3]),
  scalar: float32(Float32Array.from([2.5]), []),
};

describe('safetensors', () => {
  it('reads what the safetensors library wrote', () => {
    const read = decodeSafetensors(foreign);
    expect(read.tensors).toEqual(tensors);
    expect(read.metadata).toEqual({ made: 'elsewhere' });
  });

  it('reads what it wrote, from any place in memory', () => {
    // given a file that starts at an odd address
    const file = encodeSafetensors(tensors, { a: 'ü' });
    const moved = new Uint8Array(file.length + 3).subarray(3);
    moved.set(file);
    // when
    const read = decodeSafetensors(moved);
    // then
    expect(read).toEqual({ tensors, metadata: { a: 'ü' } });
    expect(new DataView(file.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });

  it('a damaged file is a typed error, never anything else', () => {
    fc.assert(
      fc.property(fc.nat(foreign.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        // given a file cut off somewhere, or with a byte changed
        const damaged = cut ? foreign.slice(0, at) : foreign.slice();
        if (!cut) damaged[at] = byte;
        // when
        let outcome: unknown;
        try {
          outcome = decodeSafetensors(damaged);
        } catch (error) {
          outcome = error;
        }
        // then
        if (cut || outcome instanceof Error) expect(outcome).toBeInstanceOf(CheckpointError);
      }),
      { seed: 12, numRuns: 2000 },
    );
  });

  it('refuses types it cannot hold', () => {
    const header = JSON.stringify({ half: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }).padEnd(64);
    const file = new Uint8Array([64, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 0, 0]);
    expect(() => decodeSafetensors(file)).toThrow(/tensor half has type F16; F32/);
  });
});

describe('checkpoint', () => {
  const checkpoint: Checkpoint = {
    trainer: {
      step: 12,
      parameters: { 'a.weight': Float32Array.from([0.1, 2]), b: Float32Array.from([3]) },
      optimiser: {
        first: { 'a.weight': Float32Array.from([1e-8, 2]) },
        second: { 'a.weight': Float32Array.from([1e-30, 2]) },
      },
      averages: { 'a.weight': Float32Array.from([0.2, 1]) },
    },
    step: 7,
    of: 40,
    accumulate: 3,
    rngs: { masks: createRng(1).state() },
    curve: [
      { step: 5, lr: 0.1, trainLoss: 1 / 3, gradNorm: 0.1 + 0.2, validLoss: 0.7, metrics: { auroc: 0.8 } },
    ],
    pending: { loss: 0.1 + 0.7, gradNorm: 2 ** -60, steps: 2 },
    best: {
      step: 5,
      loss: 0.7,
      parameters: { 'a.weight': Float32Array.from([5, 6]), b: Float32Array.from([7]) },
    },
    stale: 1,
  };

  it('comes back bit for bit', () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
    const { averages: _, ...trainer } = checkpoint.trainer;
    const without = { ...checkpoint, trainer, best: null, curve: [] };
    expect(decodeCheckpoint(encodeCheckpoint(without))).toEqual(without);
  });

  it('another safetensors file is none', () => {
    expect(() => decodeCheckpoint(foreign)).toThrow(/given another file/);
    expect(() => decodeCheckpoint(encodeCheckpoint(checkpoint).subarray(0, -1))).toThrow(CheckpointError);
  });
});
