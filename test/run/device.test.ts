import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { settleDevice } from '../../lib/run/device.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-device-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** As /proc/driver/nvidia/version says it. */
const said = (version: string) =>
  `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  ${version}  Release Build  (root@host)\nGCC version: 11\n`;

it('nothing is looked at where a job runs on the CPU', async () => {
  await settleDevice('/nowhere');
});

it('a host without a driver, with an old one, and without the provider ends the job with what to do', async () => {
  vi.stubEnv('NIGHTJAR_DEVICE', 'cuda');
  await expect(settleDevice('/nowhere')).rejects.toThrow(/no NVIDIA driver.*deploy\.compute/);
  const file = join(folder, 'version');
  await writeFile(file, said('570.86.15'));
  await expect(settleDevice(file)).rejects.toThrow(
    /570\.86\.15, and CUDA 13\.\S+ needs 580 or later: deploy again/,
  );
  await writeFile(file, said('580.65.06'));
  await expect(settleDevice(file)).rejects.toThrow(/NIGHTJAR_DEVICE=cuda/);
});
