import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { isIgnored, type NamedSource, prefixOf, sourceOf } from '../../lib/clean/index.ts';
import { ConfigError, NightjarError } from '../../lib/data/index.ts';
import { etagOfFile, listKeys, type OtherEntry, sentenceOf } from '../../lib/runtime/index.ts';
import type { Workspace } from '../workspace.ts';
import { DropNames } from './drop-names.ts';

/** A file, and the key that it is to stand under. */
export interface PlannedFile {
  /** As it is shown. */
  readonly file: string;
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
  /** Whether an object stands under the key: none, one with other bytes, or the same. */
  readonly state: 'new' | 'replaced' | 'unchanged';
}

export interface DropPlan {
  readonly source: string;
  readonly files: readonly PlannedFile[];
  /** What the list of ignored names leaves out. */
  readonly ignored: readonly string[];
  /** What may be meant otherwise than it was said. */
  readonly notes: readonly string[];
}

export interface DropRequest {
  readonly source: string;
  /** Files and folders, as they were given. */
  readonly paths: readonly string[];
  /** The folder that keys are seen from. */
  readonly base?: string | undefined;
  /** Whether an object may be replaced. */
  readonly replace: boolean;
}

/** Problems that are told at once; the rest follows when these are mended. */
const TOLD = 10;

/**
 * Decides under which key each file goes, and finds all that keeps any of them from it before anything is copied.
 *
 * A relative path is kept as it was written. Of an absolute one, or one that leads out of the current folder, a file keeps
 * its name and a folder what is below it, wherever the command is called, together with the folders `name=value` right
 * above, since those are data. With a base the key is the path below it, however it was written.
 * @throws ConfigError for an unknown source, NightjarError with all problems
 */
export async function planDrop(workspace: Workspace, request: DropRequest): Promise<DropPlan> {
  const named = sourceNamed(workspace, request.source);
  const found = new Collected(named, await realpath(workspace.root));
  const base = request.base === undefined ? undefined : await folderAt(request.base);
  for (const path of request.paths) await found.add(path, base);
  const names = new DropNames();
  const standing: string[] = [];
  for await (const key of listKeys(workspace.root, 'drop/', () => {})) {
    names.stands(key);
    standing.push(key);
  }
  const files: PlannedFile[] = [];
  const { problems } = found;
  for (const { file, path, rest } of found.files) {
    const key = `${prefixOf(named.name, named.source)}${rest}`;
    const why = names.take(key, file) ?? otherSource(workspace, named, key, file);
    if (why !== undefined) {
      problems.push(why);
      continue;
    }
    const planned = await compared(workspace, { file, path, key });
    if (planned.state === 'replaced' && !request.replace) {
      problems.push(
        `${file}: ${key} is there already, with other bytes: leave out --no-replace to replace it`,
      );
    }
    files.push(planned);
  }
  if (problems.length > 0) throw refusal(problems);
  if (files.length === 0) {
    const ignored = found.ignored.length;
    throw new NightjarError(
      `there is nothing to drop in ${request.paths.join(', ')}${ignored > 0 ? `: ${ignored} files there are ignored by their names (${found.ignored[0]})` : ''}`,
    );
  }
  const notes = base === undefined ? alike(prefixOf(named.name, named.source), files, standing) : [];
  return { source: named.name, files, ignored: found.ignored, notes };
}

/** One file under two keys counts twice: a key that ends like another one may come of another way to name the file. */
function alike(prefix: string, files: readonly PlannedFile[], standing: readonly string[]): string[] {
  const rests = standing.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const known = new Set(rests);
  const shorter = (rest: string) => tailsOf(rest).find((tail) => known.has(tail));
  const longer = new Map(rests.flatMap((rest) => tailsOf(rest).map((tail) => [tail, rest] as const)));
  return files.flatMap(({ file, key, state }) => {
    const rest = key.slice(prefix.length);
    const other = state === 'new' ? (shorter(rest) ?? longer.get(rest)) : undefined;
    if (other === undefined) return [];
    return [
      `${file}: ${prefix}${other} is there as well; if this is a newer export of it, its rows count twice: give ` +
        '--base, so that both get one key',
    ];
  });
}

/** 'a/b/c.csv': 'b/c.csv', 'c.csv'. */
function tailsOf(rest: string): string[] {
  const parts = rest.split('/');
  return parts.slice(1).map((_, i) => parts.slice(i + 1).join('/'));
}

function sourceNamed({ config }: Workspace, name: string): NamedSource {
  const source = config.sources[name];
  if (source) return { name, source };
  throw new ConfigError(
    `there is no source "${name}" in the config; it has: ${Object.keys(config.sources).join(', ')}`,
  );
}

async function folderAt(given: string): Promise<string> {
  const info = await stat(given).catch(() => undefined);
  if (info?.isDirectory()) return resolve(given);
  throw new ConfigError(`--base ${given} is no folder: name the folder that keys are seen from`);
}

/** Below a source's prefix may lie that of another one, which would take the file. */
function otherSource(
  { config }: Workspace,
  { name }: NamedSource,
  key: string,
  file: string,
): string | undefined {
  const taker = sourceOf(config, key);
  if (!taker || taker.name === name) return undefined;
  return (
    `${file}: its key ${key} belongs to source "${taker.name}", whose prefix is ` +
    `${prefixOf(taker.name, taker.source)}: drop it with --source ${taker.name}, or rename its folder`
  );
}

async function compared(
  { store }: Workspace,
  { file, path, key }: Pick<PlannedFile, 'file' | 'path' | 'key'>,
): Promise<PlannedFile> {
  const { size: bytes } = await stat(path);
  const standing = await store.head(key);
  const planned = { file, path, key, bytes };
  if (!standing) return { ...planned, state: 'new' };
  // The bucket is a folder, whose etags are hashes of the bytes.
  const same = standing.size === bytes && standing.etag === (await etagOfFile(path));
  return { ...planned, state: same ? 'unchanged' : 'replaced' };
}

function refusal(problems: readonly string[]): NightjarError {
  if (problems.length === 1) return new NightjarError(problems[0]!);
  const more = problems.length > TOLD ? `\n  and ${problems.length - TOLD} more` : '';
  const lines = problems.slice(0, TOLD).map((problem) => `\n  ${problem}`);
  return new NightjarError(`nothing was dropped, for ${problems.length} reasons:${lines.join('')}${more}`);
}

interface Found {
  readonly file: string;
  readonly path: string;
  /** Of its key, below the source's prefix. */
  readonly rest: string;
}

/** Files to be dropped. Links are followed: the bytes that they lead to are copied, never the link. */
class Collected {
  readonly files: Found[] = [];
  readonly ignored: string[] = [];
  readonly problems: string[] = [];
  readonly #seen = new Set<string>();
  readonly #named: NamedSource;
  readonly #bucket: string;

  constructor(named: NamedSource, bucket: string) {
    this.#named = named;
    this.#bucket = bucket;
  }

  /** Takes a file or all below a folder. */
  async add(given: string, base: string | undefined): Promise<void> {
    const path = resolve(given);
    try {
      const info = await stat(path);
      const rest = await keyPath(given, base, info.isDirectory());
      if (rest === undefined)
        this.problems.push(`${given} is not below --base ${base}: choose a folder above it`);
      else if (info.isDirectory()) await this.#addFolder(given, path, rest);
      else if (info.isFile()) await this.#addFile(given, path, rest);
      else this.problems.push(`${given} is no file: give a file or a folder`);
    } catch (error) {
      const missing = error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';
      this.problems.push(missing ? `there is no file ${given}` : sentenceOf(error));
    }
  }

  async #addFolder(given: string, folder: string, rest: string): Promise<void> {
    const inside = (key: string) => (rest === '' ? key : `${rest}/${key}`);
    const others: OtherEntry[] = [];
    for await (const key of listKeys(folder, '', (entry) => others.push(entry))) {
      await this.#addFile(join(given, key), join(folder, key), inside(key));
    }
    for (const { key, reason } of others) {
      if (isIgnored(inside(key))) this.ignored.push(join(given, key));
      else this.problems.push(`${join(given, key)} cannot be dropped: ${reason}`);
    }
  }

  async #addFile(file: string, path: string, rest: string): Promise<void> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    if (isIgnored(rest)) {
      this.ignored.push(file);
      return;
    }
    if (`${await realpath(path)}/`.startsWith(`${this.#bucket}/`)) {
      this.problems.push(
        `${file} is in the bucket itself: give the files of source ${this.#named.name} alone`,
      );
      return;
    }
    try {
      await access(path, constants.R_OK);
      this.files.push({ file, path, rest });
    } catch {
      this.problems.push(`${file}: this user may not read it: change its permissions (chmod, chown)`);
    }
  }
}

/**
 * The path that a file or folder has in keys.
 * @returns '' for the base itself, undefined for what is not below it
 */
async function keyPath(
  given: string,
  base: string | undefined,
  isFolder: boolean,
): Promise<string | undefined> {
  const path = resolve(given);
  if (base !== undefined) return below(base, path) ?? below(await realpath(base), await realpath(path));
  const written = isAbsolute(given) ? undefined : below(process.cwd(), path);
  if (written !== undefined) return written;
  const parts = path.split('/');
  const folders = isFolder ? parts : parts.slice(0, -1);
  const first = folders.findLastIndex((folder) => !/^[^=]+=/.test(folder)) + 1;
  return [...folders.slice(first), ...(isFolder ? [] : [basename(path)])].join('/');
}

function below(folder: string, path: string): string | undefined {
  const rest = relative(folder, path);
  return rest === '..' || rest.startsWith('../') ? undefined : rest;
}
