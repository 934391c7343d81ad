import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../lib/data/index.ts';
import { explain, explainedAt, SystemError, sentenceOf, withScratch } from '../../lib/runtime/index.ts';
import { reasonIn } from '../../lib/runtime/local/child.ts';
import { temporaryFolder } from './temp.ts';

/** An error of a system call, as Node throws it. */
const failed = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: as the system says it, write`), { code, syscall: 'write', ...more });

describe('a failed system call is told in one sentence with path and cure', () => {
  it('for every code that a disk, a path, a right or a limit can lead to', () => {
    const codes = [
      ...['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST'],
      ...['ENOTEMPTY', 'ENAMETOOLONG', 'ELOOP', 'EBUSY', 'ETXTBSY', 'EXDEV', 'EIO', 'ESTALE'],
    ];
    for (const code of codes) {
      const told = explain(failed(code, { path: '/data/shop/x.csv' }));
      expect(told, code).toBeInstanceOf(SystemError);
      expect(told!.message, code).toMatch(/\/data\/shop\/x\.csv .*: .*\w/);
      expect(told!.message, code).not.toContain(code);
    }
    for (const code of ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']) {
      expect(explain(failed(code))?.message, code).toMatch(/: (raise|close|look)/);
    }
  });

  it('where a module of ours is not found: it is missing, or nothing more can be opened', async () => {
    // given: what Node says of both
    const notFound = (path: string) =>
      Object.assign(new Error(`Cannot find package '${path}' imported from /app/x.js`), {
        code: 'ERR_MODULE_NOT_FOUND',
      });
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'index.js'), '');
    // when / then
    expect(sentenceOf(notFound(join(folder, 'index.js')))).toMatch(
      /^too many files are open: raise the limit/,
    );
    expect(sentenceOf(notFound(join(folder, 'gone.js')))).toMatch(
      /gone\.js is missing: install Nightjar's packages/,
    );
    // and: of a package, whose package.json says that another file is to be loaded, or nothing
    const packed = await temporaryFolder();
    const index = notFound(join(packed, 'index.js'));
    expect(sentenceOf(index)).toMatch(/index\.js is missing/);
    await writeFile(join(packed, 'package.json'), '{"main":"./index.js"}');
    expect(sentenceOf(index)).toMatch(/index\.js is missing/);
    await writeFile(join(packed, 'package.json'), '{"exports":"./dist/index.js"}');
    expect(sentenceOf(index)).toMatch(/^too many files are open/);
  });

  it('that names the place where the call names no path of its own', async () => {
    const bucket = { what: 'the bucket', path: '/shop/bucket', instead: 'name another folder with --store' };
    await expect(explainedAt(bucket, Promise.reject(failed('ENOSPC')))).rejects.toThrow(
      'the disk of the bucket /shop/bucket is full: make room there, or name another folder with --store',
    );
    // A path elsewhere goes first; an invented name in the temporary folder tells nobody anything.
    const elsewhere = failed('EACCES', { path: '/shop/orders.csv' });
    await expect(explainedAt(bucket, Promise.reject(elsewhere))).rejects.toThrow(/of \/shop\/orders\.csv/);
    const scratch = failed('ENOSPC', { path: join(tmpdir(), 'nightjar-clean-1-x/drop') });
    expect(explain(scratch)?.message).toBe(
      `the disk of the temporary folder ${tmpdir()} is full: make room there, or set TMPDIR to another folder`,
    );
  });

  it('as the system really throws it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await symlink(join(folder, 'loop'), join(folder, 'loop'));
    const said = async (action: Promise<unknown>) =>
      sentenceOf(await action.catch((error: unknown) => error));
    expect(await said(readFile(join(folder, 'none')))).toBe(`${folder}/none is not there: check the path`);
    expect(await said(readFile(folder))).toMatch(/is a folder where a file is expected/);
    expect(await said(readFile(join(folder, 'file/below')))).toMatch(/a part of its path is a file/);
    expect(await said(readFile(join(folder, 'loop')))).toMatch(/a link that leads back to itself/);
    expect(await said(open(join(folder, 'n'.repeat(300)), 'w'))).toMatch(/longer than its disk takes/);
    expect(await said(mkdir(join(folder, 'file')))).toMatch(/is there already/);
    expect(await said(mkdtemp(join(folder, 'none/x-')))).toMatch(/none\/x-\w+ is not there/);
    // The folder is there: what was in it has been taken away.
    const gone = failed('ENOENT', { path: join(tmpdir(), 'nightjar-export-1-x/part') });
    expect(explain(gone)?.message).toBe(
      `${tmpdir()}/nightjar-export-1-x/part was deleted while it was in use: leave the temporary folder alone, and run the same command again`,
    );
    const { error } = spawnSync('no-such-program', []);
    expect(sentenceOf(error)).toBe('no-such-program is not there: check the path');
  });

  it('as libraries hand it on in words', async () => {
    // given: DuckDB over files that cannot be read or written
    const folder = await temporaryFolder();
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const said = async (sql: string) =>
      sentenceOf(await connection.run(sql).catch((error: unknown) => error));
    expect(await said(`COPY (SELECT 1) TO '${folder}/none/x.csv'`)).toMatch(/none\/x\.csv is not there/);
    await connection.run("SET memory_limit = '3MB'; SET temp_directory = ''");
    expect(
      await said('CREATE TABLE t AS SELECT range a, sha256(range::VARCHAR) b FROM range(1e6::BIGINT)'),
    ).toMatch(/^there is too little memory for it: .* \(DuckDB: .* used\)$/);
    connection.closeSync();
    for (const text of [
      'IO Error: Could not write file "/data/x.duckdb": No space left on device',
      'libduckdb.so: cannot open shared object file: Too many open files',
      'std::bad_alloc',
      'Array buffer allocation failed',
    ]) {
      expect(explain(new Error(text)), text).toBeInstanceOf(SystemError);
    }
  });

  it('while what nobody foresaw keeps its message and is called a fault of Nightjar', () => {
    expect(explain(new TypeError('x is undefined'))).toBeUndefined();
    expect(sentenceOf(new TypeError('x is undefined\nmore'))).toMatch(
      /^x is undefined: this is a fault of Nightjar/,
    );
    expect(sentenceOf(new RangeError())).toMatch(/^RangeError: this is a fault/);
    expect(sentenceOf('odd')).toMatch(/^odd: this is a fault/);
    const own = new DataError('EACCES may be said by us');
    expect(explain(own)).toBe(own);
  });
});

it('work in the temporary folder leaves nothing behind, and its faults tell of that folder', async () => {
  let made = '';
  const work = withScratch('check', async (folder) => {
    made = folder;
    await writeFile(join(folder, 'x'), '');
    throw failed('ENOSPC');
  });
  await expect(work).rejects.toThrow(`the disk of the temporary folder ${tmpdir()} is full`);
  await expect(readFile(join(made, 'x'))).rejects.toThrow(/ENOENT/);
});

describe('the reason of a job that ended is the sentence in its error output', () => {
  const crash = (code: string) => {
    const { stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
    return reasonIn(stderr.split('\n'));
  };

  it('for every way in which a Node process crashes', () => {
    expect(crash('throw new TypeError("no such thing")')).toBe('no such thing');
    expect(crash('Promise.reject(Object.assign(new Error("odd"), { details: { a: 1 } }))')).toBe('odd');
    expect(crash('require("./none.js")')).toContain("Cannot find module './none.js'");
    expect(crash('import("none-such")')).toContain("Cannot find package 'none-such'");
    expect(crash('JSON.parse("{")')).toMatch(/JSON/);
    expect(crash('console.error("TypeError: a warning"); console.error("the sentence")')).toBe(
      'the sentence',
    );
  });

  it('and want of memory is called so, whoever says it', () => {
    const heap = spawnSync(
      process.execPath,
      ['--max-old-space-size=20', '-e', 'const a = []; for (;;) a.push(new Array(1e5).fill(1.5))'],
      { encoding: 'utf8' },
    );
    expect(reasonIn(heap.stderr.split('\n'))).toMatch(/^there is too little memory for it/);
    expect(reasonIn(['terminate called after throwing', 'std::bad_alloc'])).toMatch(/too little memory/);
  });

  it('and nothing where nothing was said', () => {
    expect(reasonIn([])).toBeUndefined();
    expect(reasonIn(['', '  '])).toBeUndefined();
    expect(reasonIn(['    at somewhere'])).toBe('at somewhere');
  });
});
