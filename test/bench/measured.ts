import { spawn } from 'node:child_process';

/**
 * Prints the peak of the process's memory (KiB) as the last thing it does. From the kernel's mark for this program alone:
 * what getrusage tells of a child includes its parent's memory before the program was loaded.
 */
const METER = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const status = readFileSync('/proc/self/status', 'utf8');
    console.error('peak ' + /VmHWM:\\s+(\\d+)/.exec(status)[1]);
  });
`)}`;

export interface Measured {
  readonly seconds: number;
  /** Bytes of memory at the most. */
  readonly peakRss: number;
  readonly output: string;
}

/**
 * Runs Node in a process of its own to its end. Linux only.
 * @throws Error with its error output when it fails
 */
export function runMeasured(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = '.',
): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', METER, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const peak = /^peak (\d+)$/m.exec(errors)?.[1];
      if (code === 0 && peak !== undefined) {
        resolve({ seconds: (performance.now() - started) / 1000, peakRss: Number(peak) * 1024, output });
      } else {
        reject(new Error(`node ${args.join(' ')} ended with code ${code}: ${errors.trim()}`));
      }
    });
  });
}
