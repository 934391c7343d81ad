import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ALL } from '../all.ts';
import { builtPackages } from '../build/packages.ts';
import { SHOP, STACKS } from './synthesis.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightjar-synth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `npx cdk synth` as in a checkout without network, credentials and Docker. */
function synth(...context: string[]) {
  const flags = context.flatMap((pair) => ['-c', pair]);
  return spawnSync(
    process.execPath,
    ['node_modules/aws-cdk/bin/cdk', 'synth', '--quiet', '--output', join(folder, 'out'), ...flags],
    {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        NODE_OPTIONS: `--import ${pathToFileURL(resolve('test/infra/no-network.mjs')).href}`,
        CDK_DOCKER: join(folder, 'there-is-no-docker'),
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
    },
  );
}

describe('cdk synth', () => {
  it(`${ALL ? 'builds and ' : ''}synthesises a shop offline, without Docker and without looking anything up`, {
    timeout: 240_000,
  }, async () => {
    // given: the command builds where it is told no packages, which takes longer than the rest; test/package has a build
    const packages = ALL
      ? `out=${join(folder, 'dist')}`
      : `packages=${dirname((await builtPackages()).functions)}`;
    const config = join(folder, 'nightjar.config.ts');
    const environments = { dev: { retention: { quarantineDays: 7 } } };
    writeFileSync(
      config,
      `export default ${JSON.stringify({ ...SHOP, shop: { timeZone: 'UTC' }, environments })};\n`,
    );
    // when
    const started = performance.now();
    const { status, stdout, stderr } = synth(`config=${config}`, 'env=dev', packages);
    console.log(`cdk synth: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    // then
    expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 });
    const files = readdirSync(join(folder, 'out'));
    expect(files.filter((file) => file.endsWith('.template.json')).sort()).toEqual(
      STACKS.map((name) => `nightjar-dev-${name}.template.json`).sort(),
    );
    expect(JSON.parse(readFileSync(join(folder, 'out', 'manifest.json'), 'utf8')).missing).toBeUndefined();
    const storage = readFileSync(join(folder, 'out', 'nightjar-dev-storage.template.json'), 'utf8');
    expect(storage).toMatch(/"ExpirationInDays": 7,\s+"Id": "expire-quarantine"/);
    const zips = files.filter((file) => file.endsWith('.zip'));
    expect(zips).toHaveLength(3);
  });

  it('says what is wrong with a config', { timeout: 120_000 }, () => {
    // given
    const config = join(folder, 'wrong.config.ts');
    writeFileSync(config, `export default ${JSON.stringify({ ...SHOP, deploy: { gpus: 1 } })};\n`);
    // when
    const { status, stderr } = synth(`config=${config}`);
    // then
    expect(status).toBe(1);
    expect(stderr).toContain('deploy.gpus: unknown setting; remove it or check its spelling');
  });

  it('says what to do where packages are to be taken that nobody built', { timeout: 120_000 }, () => {
    const { status, stderr } = synth(`packages=${join(folder, 'nothing')}`);
    expect(status).toBe(1);
    expect(stderr).toContain('clean.zip');
    expect(stderr).toContain('run "npm run packages"');
  });
});
