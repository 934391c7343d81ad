import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { askedDevice, type Device } from '../engine/host/index.ts';
import type { JobDefinition } from '../runtime/index.ts';

/** What a job runs on: the first line of its log, so that a slow or failed job can be told from its log alone. */
export interface Health {
  readonly job: JobDefinition;
  readonly run: string | null;
  /** Of an array job's child. */
  readonly child: number | null;
  readonly attempt: number;
  readonly node: string;
  /** Null where the runtime is not installed. */
  readonly onnxruntime: string | null;
  /** What NIGHTJAR_DEVICE asks for. */
  readonly device: Device;
  /** Models of the graphics processors that the driver shows. */
  readonly devices: readonly string[];
  readonly threads: number;
  readonly memoryMiB: number;
}

/** @throws ProgramError when NIGHTJAR_DEVICE is neither cpu nor cuda */
export function healthOf(job: JobDefinition, env: Readonly<Record<string, string | undefined>>): Health {
  const index = env.AWS_BATCH_JOB_ARRAY_INDEX;
  return {
    job,
    run: env.NIGHTJAR_RUN ?? null,
    child: index === undefined ? null : Number(index),
    attempt: Number(env.AWS_BATCH_JOB_ATTEMPT ?? 1),
    node: process.versions.node,
    onnxruntime: runtimeVersion(),
    device: askedDevice(env),
    devices: nvidiaDevices(),
    threads: availableParallelism(),
    memoryMiB: memoryMiB(env),
  };
}

/** Mebibytes that the job may use: what NIGHTJAR_MEMORY_MIB says, else the container's limit, else the machine's memory. */
export function memoryMiB(env: Readonly<Record<string, string | undefined>>): number {
  const given = Number(env.NIGHTJAR_MEMORY_MIB);
  if (given > 0) return given;
  // Zero, or more than there is, where nothing limits it.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(totalmem(), limit) / MEBIBYTE);
}

const MEBIBYTE = 2 ** 20;

/** From the package itself: loading the runtime for a number would cost every job its start. */
function runtimeVersion(): string | null {
  try {
    const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
    const { version }: { version?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
    return String(version);
  } catch {
    return null;
  }
}

const NVIDIA = '/proc/driver/nvidia/gpus';

function nvidiaDevices(): string[] {
  try {
    return readdirSync(NVIDIA).flatMap((gpu) => {
      const text = readFileSync(`${NVIDIA}/${gpu}/information`, 'utf8');
      return /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? [];
    });
  } catch {
    return [];
  }
}
