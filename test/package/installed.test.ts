import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../bin/commands/index.ts';
import { ROOT } from '../../bin/home.ts';
import { ALL } from '../all.ts';
import { AS_OF, file, shopConfig, shopLog } from '../e2e/shop.ts';
import { call, emptyProject, type Installed, install, type Packed, pack } from './project.ts';

/** Bytes that the packed package may have. */
const MOST = 5_000_000;
const NAME = 'nightjar-shop';
const run = promisify(execFile);
/** For a project's TypeScript; the package itself is JavaScript. */
const TSX = createRequire(import.meta.url).resolve('tsx');
const folders: string[] = [];

/** It comes with Node 20 and 22, and runs the install scripts of all packages. */
const NPM_10 = ['npx', '--yes', 'npm@10'];

let packed: Packed;
let project: string;
/** The package in the project. */
let home: string;
let installed: Installed;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-pack-'));
  packed = await pack(folder);
  project = await emptyProject();
  home = join(project, 'node_modules', NAME);
  folders.push(folder, project);
  installed = await install(project, [NAME], packed, NPM_10);
}, 600_000);

afterAll(async () => {
  packed?.registry.close();
  for (const folder of folders) {
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.asked`, { force: true });
  }
});

/** A call that succeeds and says nothing on standard error. @returns its output */
async function quiet(args: readonly string[], program = NAME): Promise<string> {
  const ended = await call(project, program, args).ended;
  expect(ended, args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  return ended.stdout;
}

describe('the packed package', { timeout: 120_000 }, () => {
  it('is small, and holds no tests, no sources, no data but the demo, and no path of the machine that built it', async () => {
    expect((await stat(packed.tarball)).size).toBeLessThan(MOST);
    const { stdout } = await run('tar', ['--list', '--file', packed.tarball]);
    const paths = stdout
      .trim()
      .split('\n')
      .map((path) => path.replace('package/', ''));
    expect(paths.filter((path) => /(^|\/)(test|docs)\/|\.test\./.test(path))).toEqual([]);
    const sources = paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
    expect(sources).toEqual(['dist/examples/online-retail/nightjar.config.ts']);
    expect(paths.filter((path) => path.includes('/drops/'))).toEqual([
      'dist/examples/online-retail/drops/transactions.parquet',
    ]);
    const { stdout: text } = await run('tar', ['-xOf', packed.tarball], {
      maxBuffer: 2 ** 27,
      encoding: 'latin1',
    });
    expect(text).not.toContain(ROOT);
  });

  it('is right for every resolver, as publint and attw see it', async () => {
    const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);
    const lint = await run(bin('publint'), ['run', packed.tarball, '--strict']);
    expect(lint.stdout).toContain('All good!');
    // Node 20.19 and later import ES modules alone: CommonJS and the resolver of Node 10 do not count.
    // It ends with 1 where types and code do not go together.
    const types = await run(bin('attw'), [packed.tarball, '--profile', 'esm-only', '--no-color']);
    for (const entry of ['', '/engine', '/infra', '/report'])
      expect(types.stdout).toContain(`"${NAME}${entry}"`);
  });
});

describe('npm install', { timeout: 300_000 }, () => {
  it('downloads nothing but packages where npm runs install scripts, and needs no setting', async () => {
    const { output, elsewhere } = installed;
    expect(elsewhere).toBe('');
    expect(output).toContain('added ');
    expect(output).not.toMatch(/warn|error/i);
    expect(packed.registry.asked).toContain(`/${NAME}`);
    const runtime = join(project, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64');
    if (process.platform === 'linux' && process.arch === 'x64') {
      expect(await readFile(join(runtime, 'libonnxruntime_providers_cuda.so'), 'utf8')).toContain(
        'script/install.js',
      );
    }
  });

  it.runIf(ALL)('downloads nothing but packages with the npm of this machine', async () => {
    const other = await emptyProject();
    folders.push(other);
    const { elsewhere } = await install(other, [NAME], packed);
    expect(elsewhere).toBe('');
    const { ended } = call(other, 'nightjar', ['--version']);
    expect(await ended).toEqual({ code: 0, stdout: `${packed.manifest.version}\n`, stderr: '' });
  });
});

describe('the installed command', { timeout: 300_000 }, () => {
  it('takes a shop from an empty folder to its exports', async () => {
    // given
    expect(await quiet(['init', 'first'])).toContain(`npx ${NAME} --config first check`);
    expect(await readFile(join(project, 'first/nightjar.config.ts'), 'utf8')).toContain(`from '${NAME}'`);
    const config = `import { defineConfig } from '${NAME}';\nexport default defineConfig(${JSON.stringify(shopConfig())});\n`;
    await writeFile(join(project, 'nightjar.config.ts'), config);
    await writeFile(join(project, 'log.csv'), file(shopLog().filter(({ day }) => day < AS_OF)));
    // when
    expect(await quiet(['check', 'log.csv'])).toContain('rows in');
    expect(await quiet(['drop', 'log.csv', '--source', 'log'], 'nightjar')).toBe(
      'new        drop/log/log.csv\n1 dropped\n',
    );
    const { exports, report } = JSON.parse(await quiet(['run', '--as-of', AS_OF, '--json']));
    // then
    expect(await readdir(exports)).toContain('_SUCCESS');
    expect(await readFile(report, 'utf8')).toContain('<!doctype html>');
    expect(await quiet(['status'])).toContain(`export   as of ${AS_OF}`);
  });

  it('lays out the data of the demo, line by line that of a clone', async () => {
    // when
    const module = pathToFileURL(join(home, 'dist/bin/example-data.js')).href;
    const words = ['--eval', `import('${module}').then((data) => data.exampleDrops('online-retail'))`];
    await run(process.execPath, words, { cwd: project });
    // then
    const there = join(project, '.nightjar/examples/online-retail/drops/transactions');
    const here = join(ROOT, 'examples/online-retail/drops/transactions');
    expect((await readdir(there)).sort()).toEqual((await readdir(here)).sort());
    expect(await linesOf(there)).toEqual(await linesOf(here));
  });

  it.runIf(ALL)(
    'says nothing on standard error when it is asked for help, and every command has an example and --json',
    async () => {
      const calls = COMMANDS.flatMap(({ name, examples }) =>
        Object.keys(examples).map((of) => (of === name ? [name] : [name, of])),
      );
      for (const words of [...calls, ['engine'], ['model']]) {
        const help = await quiet([...words, '--help']);
        if (!calls.includes(words)) continue;
        expect(help, words.join(' ')).toContain(`  npx ${NAME} `);
        expect(help, words.join(' ')).toContain('--json');
      }
      expect(await quiet(['--help'])).toBe(await quiet([]));
      expect(await quiet(['--version'])).toBe(`${packed.manifest.version}\n`);
    },
  );
});

/** Rows of csv.gz files by content: [lines, sum of the lines' hashes]. */
async function linesOf(folder: string): Promise<unknown> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const sql = await (await DuckDBInstance.create()).connect();
  const all = `read_csv('${folder}/*.csv.gz', all_varchar = true, filename = 'file')`;
  const result = await sql.runAndReadAll(
    `SELECT parse_filename(file), count(*), sum(hash(COLUMNS(* EXCLUDE file))) FROM ${all} GROUP BY 1 ORDER BY 1`,
  );
  return result.getRowsJson();
}

describe.runIf(ALL)('a project with TypeScript and the CDK', { timeout: 600_000 }, () => {
  const APP = `import { App } from 'aws-cdk-lib';
import { deployOf, loadConfig } from '${NAME}';
import { buildPackages, StorageStack } from '${NAME}/infra';

const app = new App();
const { config } = await loadConfig('.');
const { packages } = await buildPackages(config, 'packages');
const setting = { config, deploy: deployOf(config, 'dev'), environment: 'dev', packages };
new StorageStack(app, 'ours', { setting });
app.synth();
`;

  beforeAll(async () => {
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const names = ['aws-cdk', 'aws-cdk-lib', 'constructs', '@types/node'];
    await install(
      project,
      names.map((name) => `${name}@${devDependencies[name]}`),
      packed,
      NPM_10,
    );
    await writeFile(join(project, 'app.ts'), APP);
    await writeFile(join(project, 'app.mjs'), APP);
    // The example of the engine's README, as it stands there.
    const readme = await readFile(join(ROOT, 'lib/engine/README.md'), 'utf8');
    await writeFile(join(project, 'train.ts'), /^```ts\n(.*?)^```$/ms.exec(readme)![1]!);
    await writeFile(
      join(project, 'page.ts'),
      `import { type RunReport, renderReport } from '${NAME}/report';\nexport const page = (run: RunReport): string => renderReport(run);\n`,
    );
  }, 600_000);

  // Types for a bundler are among what attw looks at above.
  it.each([['NodeNext', 'NodeNext'], ...(ALL ? [['ESNext', 'Bundler']] : [])] as [string, string][])(
    'type-checks under module %s and moduleResolution %s, libraries included',
    async (module, resolution) => {
      const options = ['--strict', '--noEmit', '--target', 'ES2022', '--types', 'node'];
      const wrong = join(project, 'wrong.ts');
      await writeFile(
        wrong,
        `import { defineConfig } from '${NAME}';\ndefineConfig({ shop: { timeZone: 1 } });\n`,
      );
      const check = (files: readonly string[]) =>
        run(
          process.execPath,
          [
            join(ROOT, 'node_modules/typescript/bin/tsc'),
            ...options,
            ...['--module', module, '--moduleResolution', resolution, ...files],
          ],
          { cwd: project },
        );
      expect((await check(['nightjar.config.ts', 'app.ts', 'page.ts', 'train.ts'])).stdout).toBe('');
      // and: the types are there, not any
      await expect(check(['wrong.ts'])).rejects.toMatchObject({
        stdout: expect.stringContaining('wrong.ts(2,24): error TS2322'),
      });
    },
  );

  it('trains with the engine alone', async () => {
    const { stdout } = await run(process.execPath, ['--import', pathToFileURL(TSX).href, 'train.ts'], {
      cwd: project,
    });
    expect(stdout).toMatch(/^loss \d\.\d+, AUROC (?:0\.9\d+|1\.000), \d+ bytes\n$/);
  });

  it('synthesises a stack of ours in an app of its own', async () => {
    await run(process.execPath, ['app.mjs'], { cwd: project, env: { ...process.env, CDK_OUTDIR: 'out' } });
    expect(await readFile(join(project, 'out/ours.template.json'), 'utf8')).toContain('AWS::S3::Bucket');
    expect(await readdir(join(project, 'packages/functions'))).toEqual([
      'clean.zip',
      'dispatch.zip',
      'features.zip',
    ]);
  });

  it.each(['clean', 'finetune', 'score', 'export'])(
    'has built a %s job that starts from the image',
    async (job) => {
      const image = join(project, 'packages/image/app', `${job}.mjs`);
      const env = { PATH: process.env.PATH, NIGHTJAR_STORE: join(project, 'empty') };
      // Nobody told it of a run: what it needs has been loaded by then.
      await expect(run(process.execPath, [image], { env })).rejects.toMatchObject({
        stderr: expect.stringMatching(/^the job needs the environment variable NIGHTJAR_\w+\n$/),
      });
    },
  );

  it('is looked at before a deployment, and synthesised for it beside the config, not in the package', async () => {
    const before = await readdir(join(home, 'dist'));
    const env = {
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      AWS_REGION: 'eu-central-1',
    };
    const checked = await call(project, NAME, ['deploy', '--check'], env).ended;
    // AWS's SDK has been asked, and says nothing of the Node that it runs on.
    expect(checked.stderr).toMatch(/^nightjar: \d checks? failed: .*\n$/);
    expect(checked.stdout).toMatch(/^CDK +ok +\S+\/node_modules\/aws-cdk\/bin\/cdk/m);
    // when: nobody is signed in, so that the CDK goes as far as it can without an account
    const { code, stdout, stderr } = await call(project, NAME, ['deploy', '--force', '--yes'], env).ended;
    // then
    expect(code, stdout + stderr).toBe(1);
    const folder = join(project, '.nightjar/cdk-prod');
    const templates = (await readdir(join(folder, 'cdk.out'))).filter((name) =>
      name.endsWith('.template.json'),
    );
    expect(templates.map((name) => name.split('.')[0])).toEqual(
      ['batch', 'ingest', 'nightly', 'storage', 'watch'].map((stack) => `nightjar-prod-${stack}`),
    );
    expect(await readdir(join(home, 'dist'))).toEqual(before);
  });
});
