import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
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

/**
 * Starts one attempt of a child. Its output is appended to the log file, without the lines that report progress. Its
 * standard input stays open as long as this process lives: see `exitWithParent`.
 */
export function startChild(options: ChildOptions): Child {
  const { command, environment, logFile, onProgress } = options;
  const controller = new AbortController();
  const run = async (): Promise<ChildEnd> => {
    await mkdir(dirname(logFile), { recursive: true });
    if (controller.signal.aborted) return { failure: 'stopped', retry: false };
    const log = createWriteStream(logFile, { flags: 'a' });
    const child = spawn(command.command, command.args ?? [], {
      env: { ...environment, [PARENT_PIPE]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stop = () => void child.kill('SIGTERM');
    controller.signal.addEventListener('abort', stop);
    let lastError = '';
    const output = eachLine(child.stdout, (line) => {
      const progress = parseProgress(line);
      if (progress === undefined) log.write(`${line}\n`);
      else onProgress(progress.progress);
    });
    const errors = eachLine(child.stderr, (line) => {
      log.write(`${line}\n`);
      if (line.trim() !== '') lastError = line.trim();
    });
    const end = await new Promise<ChildEnd>((done) => {
      child.once('error', (error) => done({ failure: `could not start: ${error.message}`, retry: false }));
      child.once('close', (code, signal) => done(endOf(code, signal)));
    });
    await Promise.all([output, errors]);
    await new Promise<void>((done) => log.end(done));
    if (end.failure === undefined || lastError === '') return end;
    return { ...end, failure: `${end.failure}: ${lastError.slice(0, LONGEST_REASON)}` };
  };
  return { ended: run(), kill: () => controller.abort() };
}

/** The retry rule of the cloud's job definitions: interrupted work is tried again, wrong work is not. */
function endOf(code: number | null, signal: string | null): ChildEnd {
  if (code === 0) return { retry: false };
  if (signal !== null) return { failure: `ended by ${signal}`, retry: true };
  return { failure: `exit code ${code}`, retry: code === EXIT_RETRY || code === EXIT_KILLED };
}

async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
    take(line);
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
