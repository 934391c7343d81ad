import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';

const RUNNER = fileURLToPath(new URL('./lambda-runner.mjs', import.meta.url));
/** Lines of a function's output that are kept to tell what went wrong. */
const KEPT_LINES = 200;

export interface LambdaFunction {
  readonly name: string;
  /** `<file>.<export>` inside the zip. */
  readonly handler: string;
  readonly zip: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMiB: number;
}

export type Invoked =
  | { readonly ok: true; readonly result: unknown }
  /** Thrown by the handler, or the process ended or ran into its timeout. */
  | { readonly ok: false; readonly error: string };

export interface LambdaHost {
  readonly name: string;
  /** One at a time, as one execution environment does: starts it cold where none is warm. */
  invoke(event: unknown): Promise<Invoked>;
  /** Kills the process in whatever it is doing. The next event starts a new one. */
  kill(): void;
  /** What the function has printed lately. */
  output(): string;
  /** Cold starts: milliseconds until ready, bytes of memory then. */
  readonly starts: { ms: number; rss: number }[];
  close(): Promise<void>;
}

type FromRunner =
  | { ready: true; rss: number }
  | { id: number; result?: unknown; error?: { errorType: string; errorMessage: string } };

/** A function as Lambda runs it: its zip unpacked into a folder of its own, with nothing else in reach. */
export async function openLambda(options: {
  function: LambdaFunction;
  /** Folder under which the zip is unpacked. */
  root: string;
  /** What Lambda gives to every function: region, credentials, and here the endpoint. */
  environment: Readonly<Record<string, string>>;
}): Promise<LambdaHost> {
  const { name, zip, handler, timeoutSeconds, memoryMiB } = options.function;
  const task = await mkdtemp(join(options.root, `${name}-`));
  await unpack(zip, task);
  const temporary = await mkdtemp(join(options.root, `${name}-tmp-`));
  const lines: string[] = [];
  const starts: { ms: number; rss: number }[] = [];
  let warm: Promise<ChildProcess> | undefined;
  let current: ChildProcess | undefined;
  let id = 0;
  let last: Promise<unknown> = Promise.resolve();

  function start(): Promise<ChildProcess> {
    const started = performance.now();
    const child = spawn(process.execPath, [RUNNER], {
      cwd: task,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        TMPDIR: temporary,
        HOME: temporary,
        TZ: ':UTC',
        LAMBDA_TASK_ROOT: task,
        _HANDLER: handler,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMiB),
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        ...options.environment,
        ...options.function.environment,
      },
    });
    current = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        lines.push(...text.trimEnd().split('\n'));
        lines.splice(0, Math.max(0, lines.length - KEPT_LINES));
      });
    }
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (current === child) warm = current = undefined;
        reject(
          new Error(
            `${name} did not start (${signal ?? `exit code ${code}`}): ${lines.slice(-20).join('\n')}`,
          ),
        );
      });
      child.once('message', (message: FromRunner) => {
        if (!('ready' in message)) return;
        starts.push({ ms: performance.now() - started, rss: message.rss });
        resolve(child);
      });
    });
  }

  async function answer(event: unknown): Promise<Invoked> {
    let child: ChildProcess;
    try {
      child = await (warm ??= start());
    } catch (error) {
      return { ok: false, error: String(error) };
    }
    const mine = ++id;
    const context = {
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:${options.environment.AWS_REGION}:123456789012:function:${name}`,
      memoryLimitInMB: String(memoryMiB),
      awsRequestId: `00000000-0000-4000-8000-${String(mine).padStart(12, '0')}`,
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: 'local',
    };
    return new Promise((resolve) => {
      const end = (invoked: Invoked) => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit);
        resolve(invoked);
      };
      const onMessage = (message: FromRunner) => {
        if (!('id' in message) || message.id !== mine) return;
        if (message.error)
          end({ ok: false, error: `${message.error.errorType}: ${message.error.errorMessage}` });
        else end({ ok: true, result: message.result });
      };
      const onExit = (code: number | null, signal: string | null) =>
        end({ ok: false, error: `the process ended with ${signal ?? `exit code ${code}`}` });
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
      child.on('message', onMessage).on('exit', onExit);
      child.send({ id: mine, event, context });
    });
  }

  return {
    name,
    starts,
    invoke(event) {
      const mine = last.then(() => answer(event));
      last = mine;
      return mine;
    },
    kill: () => void current?.kill('SIGKILL'),
    output: () => lines.join('\n'),
    async close() {
      await last;
      const child = current;
      if (!child || child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Unpacks a zip into an empty folder. */
export async function unpack(zip: string, folder: string): Promise<void> {
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
    if (name.endsWith('/')) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}
