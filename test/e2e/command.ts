import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/nightjar.js', import.meta.url));

export interface Ended {
  /** Exit code, or null when it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly ended: Promise<Ended>;
  /** Resolves when its error output holds a text; rejects when it ends without. */
  says(text: string): Promise<void>;
  /** Sends SIGINT to the command and all that it has started, as Ctrl-C on a terminal does, or to the command alone. */
  interrupt(to: 'group' | 'process'): void;
  /** Whether any process of its group is left. */
  alive(): boolean;
  /** Kills the command and every process that it has started, at once. */
  kill(): void;
}

/** Starts `nightjar` as a person would, in a process group of its own. */
export function startNightjar(args: readonly string[], cwd: string): Started {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        child.stderr!.on('data', () => {
          if (stderr.includes(text)) resolve();
        });
        ended.then(() => reject(new Error(`it ended without saying "${text}": ${stderr}`)), reject);
      }),
    interrupt: (to) => void process.kill(to === 'group' ? -child.pid! : child.pid!, 'SIGINT'),
    alive: () => {
      try {
        return process.kill(-child.pid!, 0);
      } catch {
        return false;
      }
    },
    kill: () => void (child.exitCode === null && process.kill(-child.pid!, 'SIGKILL')),
  };
}

export const nightjar = (args: readonly string[], cwd: string): Promise<Ended> =>
  startNightjar(args, cwd).ended;
