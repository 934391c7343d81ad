import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Told } from './child.ts';

export interface Limits {
  /** A file that takes longer hangs. */
  readonly seconds: number;
  /** Beyond what the process holds once it has read its first files. */
  readonly mebibytes: number;
}

export interface Fault {
  readonly index: number;
  readonly kind: 'error' | 'crash' | 'hang' | 'memory';
  readonly told: string;
}

export interface Result {
  readonly read: number;
  readonly refused: number;
  readonly faults: readonly Fault[];
  readonly slowestSeconds: number;
  readonly peakMebibytes: number;
  readonly seconds: number;
}

/** More of one reader tell nothing new. */
const MOST_FAULTS = 40;

/** Has a reader read `inputs` files that are changed by a seed, in a process of its own, and anew behind one that ended it. */
export async function fuzz(
  name: string,
  seed: number,
  range: { readonly from: number; readonly to: number },
  limits: Limits,
  { keep, progress }: { readonly keep?: string; readonly progress?: (done: number) => void } = {},
): Promise<Result> {
  const began = Date.now();
  const total = { read: 0, refused: 0, faults: [] as Fault[], slowestSeconds: 0, peakMebibytes: 0 };
  let next = range.from;
  while (next < range.to && total.faults.length < MOST_FAULTS) {
    next = await oneProcess(next);
  }
  return { ...total, seconds: (Date.now() - began) / 1000 };

  function oneProcess(first: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const child = fork(
        new URL('child.ts', import.meta.url),
        [name, String(seed), String(first), String(range.to), ...(keep ? [keep] : [])],
        {
          execArgv: ['--import', 'tsx', '--max-old-space-size=1024'],
          stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        },
      );
      let at = first;
      let since = Date.now();
      let doneHere = 0;
      let started = false;
      let reason: Fault['kind'] | undefined;
      let stderr = '';
      let rest = 0;
      child.stderr!.on('data', (chunk: Buffer) => {
        stderr = (stderr + chunk.toString('utf8')).slice(-4000);
      });
      child.on('message', (told: Told) => {
        if ('at' in told) {
          at = told.at;
          since = Date.now();
          started = true;
          return;
        }
        total.slowestSeconds = Math.max(total.slowestSeconds, (Date.now() - since) / 1000);
        since = Date.now();
        doneHere += 1;
        if (told.outcome === 'fault')
          total.faults.push({ index: told.done, kind: 'error', told: told.error });
        else total[told.outcome] += 1;
        at = told.done + 1;
        progress?.(told.done + 1 - range.from);
        if (total.faults.length >= MOST_FAULTS) child.kill('SIGKILL');
      });
      const watch = setInterval(() => {
        const held = residentMebibytes(child.pid);
        // Its code and the first files are what it holds without any fault.
        if (doneHere <= 10) rest = Math.max(rest, held);
        total.peakMebibytes = Math.max(total.peakMebibytes, held);
        const waited = (Date.now() - since) / 1000;
        if (started && waited > limits.seconds) reason = 'hang';
        else if (doneHere > 10 && held > rest + limits.mebibytes) reason = 'memory';
        if (reason) child.kill('SIGKILL');
      }, 50);
      child.on('close', (code, signal) => {
        clearInterval(watch);
        if (code === 0 || total.faults.length >= MOST_FAULTS) return resolve(range.to);
        if (!started) return reject(new Error(`${name} could not be opened: ${stderr}`));
        total.faults.push({
          index: at,
          kind: reason ?? 'crash',
          told: reason
            ? `${reason} after ${((Date.now() - since) / 1000).toFixed(1)} s`
            : `${signal ?? `exit ${code}`}\n${stderr}`,
        });
        resolve(at + 1);
      });
    });
  }
}

const PAGE = 4096;

function residentMebibytes(pid: number | undefined): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE) / 2 ** 20;
  } catch {
    // It has ended, or the machine has no such files.
    return 0;
  }
}
