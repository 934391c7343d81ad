import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as ort from 'onnxruntime-node';
import type { Outcome, Setting } from './one.ts';
import { BATCHES, batchOf, SIZES, type Size } from './workload.ts';

const HELP = `Usage: npm run gpu-check -- [--device cuda|cpu] [--sizes tiny,small,medium,base] [--python PATH] [--json]

Trains text encoders of several sizes on the GPU and says whether it goes as on the CPU, how fast, and how fast PyTorch
is beside it where a Python with torch is found. Needs the CUDA provider of onnxruntime (docs/gpu.md says how
to get it), no network. --device cpu tries the script itself.
Exit codes: 0 all curves agree, 1 some do not or there is no GPU, 2 wrong options.`;

interface Options {
  device: 'cuda' | 'cpu';
  sizes: readonly Size[];
  python: string;
  json: boolean;
}

interface Line {
  size: string;
  how: string;
  /** Largest relative difference to the CPU driver's losses on the CPU. */
  curve: number;
  allowed: number;
  examplesPerSecond: number;
}

const execute = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function readOptions(args: readonly string[]): Options {
  const value = (name: string, fallback: string) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? fallback : (args[at + 1] ?? '');
  };
  const device = value('device', 'cuda');
  const names = value('sizes', device === 'cuda' ? 'tiny,small,medium,base' : 'tiny').split(',');
  const unknown = names.find((name) => !SIZES.some((size) => size.name === name));
  if (args.includes('--help') || (device !== 'cuda' && device !== 'cpu') || unknown !== undefined) {
    if (unknown !== undefined) console.error(`there is no size ${unknown}`);
    console.log(HELP);
    process.exit(args.includes('--help') ? 0 : 2);
  }
  return {
    device,
    sizes: SIZES.filter(({ name }) => names.includes(name)),
    python: value('python', 'python3'),
    json: args.includes('--json'),
  };
}

/** Name, driver and memory of the GPUs; undefined where there is none. */
function gpus(): string | undefined {
  try {
    const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
    return execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

async function train(setting: Setting, env: Record<string, string>): Promise<Outcome> {
  const { stdout } = await execute(
    process.execPath,
    ['--import', 'tsx', here('one.ts'), JSON.stringify(setting)],
    { env: { ...process.env, ...env }, maxBuffer: 1 << 26 },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Outcome;
}

/** Largest relative difference of two curves. */
function apart(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((loss, i) => Math.abs(loss / b[i]! - 1)));
}

/** Everything in float32 (TF32 switched off for the whole process), TF32 where the runtime takes it, half products. */
const PRECISIONS = [
  { how: 'float32', precision: 'float32', env: { NVIDIA_TF32_OVERRIDE: '0' }, allowed: 1e-3 },
  { how: 'tf32', precision: 'float32', env: {}, allowed: 1e-2 },
  { how: 'mixed', precision: 'mixed', env: {}, allowed: 3e-2 },
] as const;

async function checkSize(size: Size, { device, python }: Options, folder: string): Promise<Line[]> {
  const weights = join(folder, `${size.name}.safetensors`);
  const plain = { size: size.name, driver: 'cpu', precision: 'float32', timed: false } as const;
  const reference = await train({ ...plain, weights }, { NIGHTJAR_DEVICE: 'cpu' });
  const lines: Line[] = [];
  const add = (how: string, allowed: number, { losses, examplesPerSecond = Number.NaN }: Outcome) => {
    const line = { size: size.name, how, curve: apart(losses, reference.losses), allowed, examplesPerSecond };
    lines.push(line);
    console.error(formatLine(line));
  };
  const onDevice = { NIGHTJAR_DEVICE: device };
  for (const { how, precision, env, allowed } of PRECISIONS) {
    if (device === 'cpu' && how === 'tf32') continue;
    const timed = { ...plain, precision, timed: true } as const;
    add(
      `device driver, ${how}`,
      allowed,
      await train({ ...timed, driver: 'device' }, { ...onDevice, ...env }),
    );
    if (how !== 'float32') continue;
    add(`cpu driver, ${how}`, allowed, await train(timed, { ...onDevice, ...env }));
  }
  const batches = join(folder, `${size.name}.json`);
  await writeFile(batches, JSON.stringify(plainBatches(size)));
  for (const { how, allowed } of PRECISIONS) {
    if (device === 'cpu' && how !== 'float32') continue;
    const task = JSON.stringify({ size, device, precision: how, weights, batches });
    try {
      const { stdout } = await execute(python, [here('torch_training.py'), task], { maxBuffer: 1 << 26 });
      const found = JSON.parse(stdout.trim().split('\n').at(-1)!) as Outcome & { version: string };
      add(`${found.version}, ${how}`, allowed, found);
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
      console.error(`left out: PyTorch ${how} (${reason})`);
      break;
    }
  }
  return lines;
}

/** The batches, as Python reads them. */
function plainBatches(size: Size): { ids: number[][]; label: number[] }[] {
  return Array.from({ length: BATCHES }, (_, step) => {
    const { input_ids: ids, label } = batchOf(size, step);
    const flat = Array.from(ids!.data as BigInt64Array, Number);
    return {
      ids: Array.from({ length: size.batch }, (_, i) => flat.slice(i * size.length, (i + 1) * size.length)),
      label: Array.from(label!.data as BigInt64Array, Number),
    };
  });
}

function formatLine({ size, how, curve, allowed, examplesPerSecond }: Line): string {
  const verdict = curve <= allowed ? 'agrees' : 'DIFFERS';
  return `${size.padEnd(7)} ${how.padEnd(60)} ${examplesPerSecond.toFixed(0).padStart(8)} examples/s  curve ${curve.toExponential(1)} (at most ${allowed.toExponential(0)}) ${verdict}`;
}

const options = readOptions(process.argv.slice(2));
const found = gpus();
const machine = {
  gpus: found ?? 'none',
  node: process.version,
  onnxruntime: ort.env.versions.node ?? ort.env.versions.common,
  device: options.device,
};
console.error(JSON.stringify(machine));
if (options.device === 'cuda' && !found) {
  console.error(
    'no GPU: nvidia-smi does not answer. Run this on a machine with one, or try the script by --device cpu',
  );
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'nightjar-gpu-'));
try {
  const lines: Line[] = [];
  for (const size of options.sizes) lines.push(...(await checkSize(size, options, folder)));
  const agrees = lines.every(({ curve, allowed }) => curve <= allowed);
  if (options.json) console.log(JSON.stringify({ ...machine, lines, agrees }, null, 2));
  else console.log(lines.map(formatLine).join('\n'));
  process.exitCode = agrees ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
