import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { temporaryFolder } from '../runtime/temp.ts';
import { type Ended, nightjar, type Surroundings } from './command.ts';

/** Whether disks can be made for a test, in a view of the file system that ends with the process. */
export const CAN_MOUNT = spawnSync('unshare', ['-m', 'true']).status === 0;

const DAY = '2025-02-15';
const CONFIG = {
  shop: { name: 'Faults', timeZone: 'UTC' },
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: { user: 'u', time: 't', type: 'w', item: 'i', price: 'p' },
    },
  },
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 5 } },
  shards: 2,
  training: { steps: 10, pretrainSteps: 2, maxCutoffs: 2, batchSize: 64, threads: 1 },
  model: { families: ['logistic'], width: 16, layers: 0, heads: 2, hidden: 16, members: 2 },
};

/** Every command, in the shortest form that does its work. */
export const COMMANDS = {
  init: ['init', 'new'],
  check: ['check', 'log.csv'],
  drop: ['drop', 'later.csv', '--source', 'log'],
  clean: ['clean'],
  features: ['features'],
  run: ['run', '--as-of', DAY],
  finetune: ['finetune', '--as-of', DAY],
  score: ['score', '--as-of', DAY],
  export: ['export', '--as-of', DAY],
  backtest: ['backtest', '--task', 'purchase', '--as-of', '2025-02-08', '--predictions', 'out/p.csv'],
  pretrain: [
    ...['pretrain', '--text', 'notes.csv', '--column', 'note', '--out', 'encoder', '--epochs', '1'],
    ...['--layers', '1', '--width', '16', '--heads', '2', '--vocabulary', '300'],
  ],
  report: ['report'],
  status: ['status'],
  backfill: ['backfill', '--from', DAY, '--to', DAY],
  demo: ['demo', '--data', 'none'],
  cost: ['cost', '--users', '1000', '--events-per-day', '1000'],
  deploy: ['deploy', '--check'],
  redrive: ['redrive', '--dry-run'],
  'engine parity': ['engine', 'parity', 'none'],
  'model show': ['model', 'show', 'none'],
  'model explain': ['model', 'explain', 'none', '--text', 'a word'],
  'model export': ['model', 'export', 'none', '--to', 'smaller'],
} as const;

export type CommandName = keyof typeof COMMANDS;

/** A shop's folder: `fresh`, with a drop that nothing was done with, and `done`, after its night. */
export interface Shops {
  readonly fresh: string;
  readonly done: string;
}

export async function openShops(): Promise<Shops> {
  const fresh = await openFresh();
  const done = await copied(fresh);
  await answered([...COMMANDS.run], done);
  return { fresh, done };
}

/** A shop's folder with a drop that nothing was done with. */
export async function openFresh(): Promise<string> {
  const fresh = await temporaryFolder();
  const lines = ['u,t,w,i,p'];
  for (let u = 0; u < 60; u++) {
    for (let d = 0; d < 50; d += 1 + (u % 7)) {
      const at = new Date(Date.UTC(2025, 0, 1 + d, 10, u)).toISOString();
      lines.push(`c${u},${at},${(u + d) % 2 ? 'purchase' : 'view'},i${d % 5},${d + 1}`);
    }
  }
  await writeFile(join(fresh, 'nightjar.config.ts'), `export default ${JSON.stringify(CONFIG)};\n`);
  await writeFile(join(fresh, 'log.csv'), `${lines.join('\n')}\n`);
  await writeFile(join(fresh, 'later.csv'), 'u,t,w,i,p\nc1,2025-02-20T10:00:00Z,view,i1,1\n'.repeat(3000));
  const notes = Array.from({ length: 200 }, (_, i) => `a note on number ${i} and ${i * 7}`);
  await writeFile(join(fresh, 'notes.csv'), `note\n${notes.join('\n')}\n`);
  await answered(['drop', 'log.csv', '--source', 'log'], fresh);
  return fresh;
}

async function answered(args: readonly string[], home: string): Promise<void> {
  const { code, stderr } = await nightjar(args, home);
  expect(code, stderr).toBe(0);
}

/** The same shop in another folder: a bucket knows its config by where it stands to it. */
export async function copied(home: string): Promise<string> {
  const copy = await temporaryFolder();
  await cp(home, copy, { recursive: true });
  return copy;
}

/** Words before a command that give it a disk of its own at a folder, set up by further shell words. */
export function withDisk(folder: string, size: string, setUp: string): readonly string[] {
  const script = `mount -t tmpfs -o size=${size} tmpfs "$0" && ${setUp} && exec "$@"`;
  return ['unshare', '-m', 'sh', '-c', script, folder];
}

/** A shop whose bucket lies on a disk that is full, or cannot be written. */
export async function onDisk(
  shop: string,
  how: 'full' | 'read-only',
): Promise<{ home: string; around: Surroundings; args: string[] }> {
  const home = await copied(shop);
  const disk = join(home, 'disk');
  await mkdir(disk);
  await cp(join(home, '.nightjar/pseudonym.key'), join(home, 'disk/bucket.key')).catch(() => {});
  const fill =
    'cp -r .nightjar/bucket .nightjar/pseudonym.key "$0"/ 2>/dev/null; mv "$0"/pseudonym.key "$0"/bucket.key 2>/dev/null; ';
  const end =
    how === 'full' ? 'dd if=/dev/zero of="$0"/pad bs=64k 2>/dev/null; true' : 'mount -o remount,ro "$0"';
  return {
    home,
    around: { under: withDisk(disk, '6m', `{ ${fill}${end}; }`) },
    args: ['--adopt', '--store', join(disk, 'bucket')],
  };
}

/** A line of bash with `nightjar` as its "$@". */
export async function shell(line: string, cwd: string): Promise<Ended> {
  const bin = new URL('../../bin/nightjar.js', import.meta.url).pathname;
  const words = ['-c', line, 'bash', process.execPath, bin];
  const child = spawn('bash', words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** What a person must never see, whatever happens. */
const RAW = [/^\s+at /m, /node:internal/, /^\s*throw /m, /fault of Nightjar/, /\[object /, /undefined/];
/** Codes of system calls, but for the start itself, which knows no better. */
const CODES = /\bE[A-Z]{4,}\b(?!.*cannot be started)/;

/** Checks that a command ended as documented: done, or with one sentence that says why. */
export function expectSentence({ code, stderr }: Ended, what: string): void {
  for (const raw of RAW) expect(stderr, what).not.toMatch(raw);
  expect(stderr.replace(/^nightjar: cannot be started.*$/m, ''), what).not.toMatch(CODES);
  expect([0, 1, 2, 130], `${what}: ${stderr}`).toContain(code);
  if (code !== 0) expect(stderr, what).toMatch(/^(nightjar|error): ./m);
}
