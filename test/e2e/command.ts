import { type ChildProcess, spawn } from 'node:child_process';
import { OTHER_USER } from '../runtime/other-user.ts';
import { builtCommand } from './built.ts';

const BIN = builtCommand();

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
  /** Sends a signal to the command and all that it has started, as a terminal does, or to the command alone. */
  signal(name: NodeJS.Signals, to?: 'group' | 'process'): void;
  /** Whether any process of its group is left. */
  alive(): boolean;
  /** Kills the command and every process that it has started, at once. */
  kill(): void;
}

export interface Surroundings {
  /** As a user without rights; only where HAS_OTHER_USER. */
  readonly asOther?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Shell words before the command: what limits it, such as `prlimit --nofile=40`. */
  readonly under?: readonly string[];
}

/** Starts `nightjar` as a person would, in a process group of its own. */
export function startNightjar(args: readonly string[], cwd: string, around: Surroundings = {}): Started {
  const { asOther = false, env = {}, under = [] } = around;
  const [program = '', ...rest] = [...under, process.execPath, BIN, ...args];
  const child: ChildProcess = spawn(program, rest, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
    ...(asOther ? OTHER_USER : {}),
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const signal: Started['signal'] = (name, to = 'group') => {
    if (child.exitCode === null) process.kill(to === 'group' ? -child.pid! : child.pid!, name);
  };
  return {
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        child.stderr!.on('data', () => {
          if (stderr.includes(text)) resolve();
        });
        ended.then(() => reject(new Error(`it ended without saying "${text}": ${stderr}`)), reject);
      }),
    signal,
    alive: () => {
      try {
        return process.kill(-child.pid!, 0);
      } catch {
        return false;
      }
    },
    kill: () => signal('SIGKILL'),
  };
}

export const nightjar = (args: readonly string[], cwd: string, around: Surroundings = {}): Promise<Ended> =>
  startNightjar(args, cwd, around).ended;
