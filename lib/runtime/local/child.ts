import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { SystemError } from '../errors.ts';
import { EXIT_RETRY, PARENT_PIPE } from '../parent.ts';
import { explain, explainedAt, type Place, sentenceOf } from './explain.ts';
import { makeFolders } from './system.ts';

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

/**
 * `failure` is undefined when the child succeeded; `retry` says whether another attempt may help, `away` whether one may
 * help later because something that the child needs is away for now.
 */
export interface ChildEnd {
  readonly failure?: string;
  readonly retry: boolean;
  readonly away?: boolean;
}

export interface Child {
  readonly ended: Promise<ChildEnd>;
  kill(): void;
}

/** Exit code of a process that was killed for memory inside a container. */
const EXIT_KILLED = 137;
const PROGRESS = '{"progress":';
const LONGEST_REASON = 500;
/** Of the error output, to find the reason in: what a crash prints is longer than its message. */
const KEPT_LINES = 50;
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
    return { failure: `could not be run: ${sentenceOf(error)}`, retry: false };
  });
  return { ended, kill: () => stop.abort() };
}

async function run(options: ChildOptions, stop: AbortSignal): Promise<ChildEnd> {
  const { command, environment, logFile, onProgress } = options;
  const logs: Place = { what: 'the log', path: logFile };
  await explainedAt(logs, makeFolders(dirname(logFile)));
  const log = await explainedAt(logs, open(logFile, 'a'));
  try {
    if (stop.aborted) return { failure: 'stopped', retry: false };
    const child = spawn(command.command, command.args ?? [], {
      env: { ...environment, [PARENT_PIPE]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    stop.addEventListener('abort', () => terminate(child));
    const errors: string[] = [];
    // A disk that takes no more lines is no reason to end the work.
    const note = (line: string) => log.write(`${line}\n`).catch(() => {});
    const closed = new Promise<ChildEnd>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => done(endOf(code, signal)));
    });
    const [end] = await Promise.all([
      closed,
      eachLine(child.stdout, async (line) => {
        const report = parseProgress(line);
        if (report === undefined) await note(line);
        else onProgress(report.progress);
      }),
      eachLine(child.stderr, async (line) => {
        errors.push(line);
        if (errors.length > KEPT_LINES) errors.shift();
        if (environment.NIGHTJAR_DEBUG === '1') process.stderr.write(`${line}\n`);
        await note(line);
      }),
    ]);
    const why = end.failure === undefined ? undefined : reasonIn(errors);
    return why === undefined ? end : { ...end, failure: `${end.failure}: ${why.slice(0, LONGEST_REASON)}` };
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
  if (signal === 'SIGKILL')
    return { failure: 'ended by SIGKILL, usually because memory ran out', retry: true };
  if (signal !== null) return { failure: `ended by ${signal}`, retry: true };
  const away = code === EXIT_RETRY;
  return { failure: `exit code ${code}`, retry: away || code === EXIT_KILLED, away };
}

/** What Node and the system print around a message: stack frames, values of an error, addresses. */
const AROUND = /^\s|^[{}\]]|^Node\.js v|^node:|^#|^-+ |^(?:\w*Error|Error \[\w+\])$/;
/** The class before a message tells a person nothing. */
const CLASS = /^(?:Uncaught )?\w*Error(?: \[\w+\])?: /;

/**
 * The sentence in a job's error output: a job says last what happened. One that crashed prints where it did, and what
 * happened stands above.
 */
export function reasonIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const known = explain(new Error(line));
    if (known instanceof SystemError && known.code === 'ENOMEM') return known.message;
  }
  const said = lines.filter((line) => line.trim() !== '');
  const last = said.at(-1);
  if (last === undefined || !AROUND.test(last)) return last?.replace(CLASS, '');
  const what = said.findLast((line) => CLASS.test(line)) ?? said.findLast((line) => !AROUND.test(line));
  return (what ?? last).trim().replace(CLASS, '');
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
