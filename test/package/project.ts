import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../bin/home.ts';
import type { Ended } from '../e2e/command.ts';
import { type Manifest, openRegistry, type Registry } from './registry.ts';

const run = promisify(execFile);
const ONLY_LOCAL = new URL('./only-local.mjs', import.meta.url).href;

export interface Packed {
  readonly tarball: string;
  readonly manifest: Manifest;
  /** It and, behind it, the registry that this machine uses. */
  readonly registry: Registry;
}

/** `npm pack`, which builds, and a registry that offers what it made. @param folder where the package lands */
export async function pack(folder: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
  const tarball = join(folder, stdout.trim().split('\n').at(-1)!);
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const behind = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
  return { tarball, manifest, registry: await openRegistry(tarball, manifest, behind) };
}

/** A project that has nothing but a package.json. */
export async function emptyProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-project-'));
  await writeFile(join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }\n');
  return folder;
}

export interface Installed {
  readonly output: string;
  /** Hosts beside the registry that npm or a script asked for. */
  readonly elsewhere: string;
}

/** `npm install` that reaches the registry and nothing else. @param npm the program and its first words */
export async function install(
  project: string,
  names: readonly string[],
  { registry }: Packed,
  npm: readonly string[] = ['npm'],
): Promise<Installed> {
  const asked = `${project}.asked`;
  await writeFile(asked, '');
  const [program, ...first] = npm;
  const words = [...first, 'install', ...names, '--no-audit', '--no-fund', '--prefer-offline'];
  const { stdout, stderr } = await run(program!, [...words, '--registry', registry.url], {
    cwd: project,
    env: { ...process.env, ASKED_ELSEWHERE: asked, NODE_OPTIONS: `--import ${ONLY_LOCAL}` },
  });
  return { output: stdout + stderr, elsewhere: await readFile(asked, 'utf8') };
}

export interface Called {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts a program of the project, in a process group of its own, as a terminal does. */
export function call(project: string, program: string, args: readonly string[], env = {}): Called {
  const file = join(project, 'node_modules/.bin', program);
  const child = spawn(process.execPath, [file, ...args], {
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}
