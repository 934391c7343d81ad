import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { load, median, printTable, unit, whole, withFolder } from './support.ts';
import type { Batch, Opened, Request, Steps, TrainJob } from './train-job.ts';
import { benchParts } from './train-parts.ts';

/** Both sides' losses may differ by this much, relatively; more means that they do not train the same. */
const LOSS_TOLERANCE = 1e-5;

interface Size {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly tokens: number;
  readonly batch: number;
  /** Steps at a time, and how often both sides take their turn; the first turn warms up. */
  readonly steps: number;
  readonly turns: number;
}

const SIZES: readonly Size[] = [
  { layers: 4, width: 256, heads: 4, tokens: 64, batch: 32, steps: 3, turns: 8 },
  { layers: 6, width: 384, heads: 6, tokens: 128, batch: 32, steps: 1, turns: 7 },
];
const BASE: Size = { layers: 12, width: 768, heads: 12, tokens: 128, batch: 32, steps: 0, turns: 0 };

/**
 * Training steps of a Transformer encoder beside PyTorch's, in turns: the same weights (PyTorch's export is what we
 * import), batches, optimiser and thread count, each side in a process of its own. Then what each part brings, and how long a 12-layer encoder of
 * 110 million weights takes from file to training graph.
 */
export async function benchTrain(): Promise<void> {
  const python = process.env.PYTHON ?? 'python3';
  if (!(await answers(python, ['-c', 'import torch']))) {
    console.log(`\ntrain: ${python} has no torch; name a Python that has: PYTHON=… npm run bench -- train`);
    return;
  }
  await withFolder(async (folder) => {
    const rows: string[][] = [];
    let versions = '';
    for (const size of SIZES) {
      for (const kind of ['full', 'lora'] as const) {
        const result = await sideBySide(python, jobOf(size, kind, folder), size);
        versions = result.versions;
        rows.push(result.row);
      }
    }
    printTable(
      `training steps, 2 threads (${versions}, load ${load()})`,
      [
        'layers x width, batch x tokens',
        'ours ms',
        'torch ms',
        'torch / ours',
        'of turns',
        'ours MiB',
        'torch MiB',
        'losses apart',
      ],
      rows,
    );
    const small = jobOf(SIZES[0]!, 'full', folder);
    await withContender(torchCommand(python), (torch) => torch.ask({ do: 'export', job: small }));
    await benchParts(small, batchOf(small, 0));
    await compileTimes(python, jobOf(BASE, 'full', folder));
  });
}

function jobOf(size: Size, kind: TrainJob['kind'], folder: string): TrainJob {
  const { layers, width, heads, tokens, batch } = size;
  return {
    ...{ layers, width, heads, tokens, batch, kind },
    inner: 4 * width,
    vocabulary: width >= 768 ? 30_522 : 8192,
    classes: 4,
    threads: 2,
    lr: 1e-4,
    decay: 0.01,
    clipNorm: 1,
    rank: 8,
    alpha: 16,
    model: join(folder, 'encoder.onnx'),
    adapter: join(folder, 'adapter.json'),
  };
}

async function sideBySide(
  python: string,
  job: TrainJob,
  { steps, turns }: Size,
): Promise<{ row: string[]; versions: string }> {
  await withContender(torchCommand(python), (torch) => torch.ask({ do: 'export', job }));
  return withContender(ourCommand(), (ours) =>
    withContender(torchCommand(python), async (torch) => {
      const us = await ours.ask<Opened>({ do: 'open', job });
      const them = await torch.ask<Opened>({ do: 'open', job });
      if (us.trained !== them.trained) {
        throw new Error(`we train ${us.trained} values and PyTorch ${them.trained}: not the same model`);
      }
      const found: { us: Steps; them: Steps }[] = [];
      for (let turn = 0; turn < turns; turn++) {
        const batches = Array.from({ length: steps }, (_, i) => batchOf(job, turn * steps + i));
        found.push({
          us: await ours.ask<Steps>({ do: 'steps', batches }),
          them: await torch.ask<Steps>({ do: 'steps', batches }),
        });
      }
      const apart = Math.max(
        ...found.flatMap(({ us, them }) =>
          us.losses.map((loss, i) => Math.abs(loss - them.losses[i]!) / Math.abs(them.losses[i]!)),
        ),
      );
      if (apart > LOSS_TOLERANCE)
        throw new Error(`losses differ by ${apart}: both sides must train the same`);
      const timed = found.slice(1);
      const ratios = timed.map(({ us, them }) => median(them.milliseconds) / median(us.milliseconds));
      const last = found.at(-1)!;
      const name = `${job.layers} x ${job.width}, ${job.batch} x ${job.tokens}, ${job.kind}`;
      return {
        versions: `${us.versions}; ${them.versions}`,
        row: [
          `${name} (${whole(us.trained)} trained)`,
          median(timed.flatMap(({ us }) => us.milliseconds)).toFixed(0),
          median(timed.flatMap(({ them }) => them.milliseconds)).toFixed(0),
          median(ratios).toFixed(2),
          `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
          last.us.peak.toFixed(0),
          last.them.peak.toFixed(0),
          apart.toExponential(0),
        ],
      };
    }),
  );
}

async function compileTimes(python: string, job: TrainJob): Promise<void> {
  await withContender(torchCommand(python), (torch) => torch.ask({ do: 'export', job }));
  const rows: string[][] = [];
  for (const kind of ['full', 'lora'] as const) {
    const { parts, trained } = await withContender(ourCommand(), (ours) =>
      ours.ask<Opened>({ do: 'open', job: { ...job, kind } }),
    );
    const { session = 0, ...compile } = parts;
    const sum = Object.values(compile).reduce((a, b) => a + b, 0);
    rows.push([
      `${kind} (${whole(trained)} trained)`,
      ...[...Object.values(compile), sum, session].map((ms) => ms.toFixed(0)),
    ]);
  }
  printTable(
    `from an ONNX file in memory to a training graph, 12 x 768, 30,522 tokens, ms, in a fresh process (load ${load()})`,
    ['', 'import', 'specialise', 'fuse, differentiate, encode', 'compile', 'session'],
    rows,
  );
}

/** Token ids, lengths and labels that depend on the step alone. */
function batchOf({ batch, tokens, vocabulary, classes }: TrainJob, step: number): Batch {
  const ids: number[] = [];
  const mask: number[] = [];
  for (let row = 0; row < batch; row++) {
    const length = Math.ceil((tokens * (1 + unit(step, row))) / 2);
    for (let at = 0; at < tokens; at++) {
      const inside = at < length;
      mask.push(Number(inside));
      ids.push(inside ? 1 + Math.floor(unit(step * batch + row, at + 1000) * (vocabulary - 1)) : 0);
    }
  }
  return {
    ids,
    mask,
    labels: Array.from({ length: batch }, (_, row) => Math.floor(unit(step, row + 7000) * classes)),
  };
}

type Command = readonly [string, readonly string[]];

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const ourCommand = (): Command => [process.execPath, ['--import', 'tsx', here('train-ours.ts')]];
const torchCommand = (python: string): Command => [python, [here('train-torch.py')]];

/** A side of the comparison: a process that answers a line of JSON by a line of JSON. */
class Contender {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor([program, parameters]: Command) {
    this.#process = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask<T>(request: Request): Promise<T> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process asked to ${request.do} ended; its errors stand above`);
    return JSON.parse(value) as T;
  }

  async close(): Promise<void> {
    const { exitCode } = this.#process;
    this.#process.stdin!.end();
    if (exitCode === null) await new Promise((resolve) => this.#process.once('exit', resolve));
    this.#reader.close();
  }
}

async function withContender<T>(command: Command, use: (contender: Contender) => Promise<T>): Promise<T> {
  const contender = new Contender(command);
  try {
    return await use(contender);
  } finally {
    await contender.close();
  }
}

/** Does the command run without an error? */
function answers(program: string, parameters: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
