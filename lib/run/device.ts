import { readFileSync } from 'node:fs';
import { NightjarError } from '../data/index.ts';
import { askedDevice } from '../engine/host/index.ts';
import { checkDevice } from '../engine/inspect/index.ts';
import { VERSIONS } from './versions.ts';

const DRIVER = '/proc/driver/nvidia/version';

/**
 * For a job that runs on a GPU, before its work: the driver is new enough, and the device computes what the CPU does. One
 * JSON line says so, with the operators that each provider ran. On the CPU there is nothing to look at.
 * @param driverFile where the NVIDIA driver says which version it is
 * @throws NightjarError, SessionError: a job that quietly computed on the CPU of a GPU host would be late and dear
 */
export async function settleDevice(driverFile = DRIVER): Promise<void> {
  if (askedDevice() === 'cpu') return;
  const driver = driverVersion(driverFile);
  if (driver === undefined) {
    throw new NightjarError(
      `NIGHTJAR_DEVICE=cuda, but there is no NVIDIA driver (${driverFile}): run the job on a host with a GPU, or set deploy.compute to "cpu"`,
    );
  }
  if (Number.parseInt(driver, 10) < VERSIONS.leastDriver) {
    throw new NightjarError(
      `the NVIDIA driver is ${driver}, and CUDA ${VERSIONS.cuda} needs ${VERSIONS.leastDriver} or later: ` +
        'deploy again, so that Batch takes the newest ECS image, or set deploy.compute to "cpu"',
    );
  }
  process.stdout.write(`${JSON.stringify({ device: { driver, ...(await checkDevice()) } })}\n`);
}

function driverVersion(file: string): string | undefined {
  try {
    return / ([0-9]+\.[0-9.]+) /.exec(readFileSync(file, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
