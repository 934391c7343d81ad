import { afterEach, expect, it, vi } from 'vitest';
import { askedDevice } from '../../../lib/engine/host/index.ts';
import { checkDevice } from '../../../lib/engine/inspect/index.ts';

afterEach(() => vi.unstubAllEnvs());

it('the CPU computes a product and its gradient, and says which operators it ran', async () => {
  const { device, nodes, difference } = await checkDevice();
  expect(device).toBe('cpu');
  expect(Object.keys(nodes)).toEqual(['CPUExecutionProvider']);
  expect(nodes.CPUExecutionProvider).toBeGreaterThan(3);
  expect(difference).toBeGreaterThan(0);
  expect(difference).toBeLessThan(1e-6);
});

it('a GPU that is not there is no CPU', async () => {
  vi.stubEnv('NIGHTJAR_DEVICE', 'cuda');
  await expect(checkDevice()).rejects.toThrow(/NIGHTJAR_DEVICE=cuda/);
});

it('a device is spelt as documented', async () => {
  expect([
    askedDevice({}),
    askedDevice({ NIGHTJAR_DEVICE: 'cpu' }),
    askedDevice({ NIGHTJAR_DEVICE: 'cuda' }),
  ]).toEqual(['cpu', 'cpu', 'cuda']);
  for (const other of ['', 'GPU', 'CUDA', 'cuda:0']) {
    expect(() => askedDevice({ NIGHTJAR_DEVICE: other })).toThrow(
      `given "${other}", expected "cpu" or "cuda"`,
    );
  }
});
