import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { EXIT_RETRY, PARENT_PIPE } from '../parent.ts';

/** How a job definition is started here: the command that its container would run. */
export interface JobCommand {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildOptions {
  readonly command: JobCommand;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  readonly onProgress: (progress: unknown) => void;
}

/** `failure` is undefined when the child succeeded; `retry` says whether another attempt may help. */
export interface ChildEnd {
  readonly failure?: string;
  readonly retry: boolean;
}

export interface Child {
  readonly ended: Promise<ChildEnd>;
  kill(): void;
}

/** Exit code of a process that was killed for memory inside a container. */
const EXIT_KILLED = 137;
const PROGRESS = '{"progress":';
const LONGEST_REASON = 500;
/** Time to write a checkpoint after SIGTERM. */
const GRACE_MS = 10_000;

/**
 * Starts one attempt of a child. Its output is appended to the log file, without the lines that report progress. Its
 * standard input stays open as long as this process lives: see `exitWithParent`.
 */
export function startChild(options: ChildOptions): Child {
  const stop = new AbortController();
  const ended = run(options, stop.signal).catch((error: unknown): ChildEnd => {
    stop.abort();
    const why = error instanceof Error ? error.message : String(error);
    return { failure: `could not be run: ${why}`, retry: false };
  });
  return { ended, kill: () => stop.abort() };
}

async function run(options: ChildOptions, stop: AbortSignal): Promise<ChildEnd> {
  const { command, environment, logFile, onProgress } = options;
  await mkdir(dirname(logFile), { recursive: true });
  const log = await open(logFile, 'a');
  try {
    if (stop.aborted) return { failure: 'stopped', retry: false };
    const child = spawn(command.command, command.args ?? [], {
      env: { ...environment, [PARENT_PIPE]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    stop.addEventListener('abort', () => terminate(child));
    let lastError = '';
    const closed = new Promise<ChildEnd>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => done(endOf(code, signal)));
    });
    const [end] = await Promise.all([
      closed,
      eachLine(child.stdout, async (line) => {
        const report = parseProgress(line);
        if (report === undefined) await log.write(`${line}\n`);
        else onProgress(report.progress);
      }),
      eachLine(child.stderr, async (line) => {
        await log.write(`${line}\n`);
        if (line.trim() !== '') lastError = line.trim();
      }),
    ]);
    if (end.failure === undefined || lastError === '') return end;
    return { ...end, failure: `${end.failure}: ${lastError.slice(0, LONGEST_REASON)}` };
  } finally {
    await log.close();
  }
}

/** As AWS Batch: first the request to end, then, for those who do not listen, the end. */
function terminate(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
  child.once('close', () => clearTimeout(timer));
}

/** The retry rule of the cloud's job definitions: interrupted work is tried again, wrong work is not. */
function endOf(code: number | null, signal: string | null): ChildEnd {
  if (code === 0) return { retry: false };
  if (signal !== null) return { failure: `ended by ${signal}`, retry: true };
  return { failure: `exit code ${code}`, retry: code === EXIT_RETRY || code === EXIT_KILLED };
}

async function eachLine(stream: Readable, take: (line: string) => Promise<void>): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) await take(line);
}

/** Undefined: an ordinary line. */
function parseProgress(line: string): { progress: unknown } | undefined {
  if (!line.startsWith(PROGRESS)) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
