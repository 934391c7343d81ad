import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployOf, parseConfig } from '../../lib/config/index.ts';
import {
  type Check,
  layCdk,
  preflight,
  realSurroundings,
  runCdk,
  type Surroundings,
} from '../../lib/operate/index.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { nightjar } from '../e2e/command.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const EMPTY = { shop: { timeZone: 'UTC' }, sources: {}, tasks: {} };
const deploy = deployOf(parseConfig(EMPTY), 'prod');
const onGpu = { ...deploy, compute: { finetune: 'gpu', score: 'gpu' } } as const;
const CLAIM = { environment: 'prod', shop: 'shop' };
const statesOf = (checks: readonly Check[]) =>
  Object.fromEntries(checks.map(({ name, state }) => [name, state]));

/** A machine that has all it takes, so that no test depends on the one it runs on. */
const machine = {
  nodeVersion: 'v22.0.0',
  cdk: () => '/cdk',
  docker: async () => ({ version: '27.1', arch: 'amd64' }),
  freeBytes: async () => 100 * 2 ** 30,
} satisfies Partial<Surroundings>;

describe.skipIf(!hasMoto)('an account', { timeout: 120_000 }, () => {
  let moto: Moto;
  let folder: string;

  beforeAll(async () => {
    moto = await startMoto();
    Object.assign(process.env, moto.env);
    folder = await temporaryFolder();
    await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(EMPTY)};\n`);
  });
  afterAll(async () => {
    for (const name of Object.keys(moto.env)) delete process.env[name];
    await moto.stop();
  });

  const bootstrap = () =>
    new SSMClient(moto.client).send(
      new PutParameterCommand({ Name: '/cdk-bootstrap/hnb659fds/version', Value: '21', Type: 'String' }),
    );

  it('is asked before a deployment', async () => {
    // given moto, which knows no quotas of EC2
    const around = { ...realSurroundings(), ...machine, quota: async () => 32, concurrency: async () => 10 };
    // when
    const { checks, account, region } = await preflight(around, onGpu, CLAIM);
    // then
    expect({ account, region }).toEqual({ account: '123456789012', region: 'eu-central-1' });
    expect(statesOf(checks)).toEqual({
      Node: 'ok',
      CDK: 'ok',
      Docker: 'ok',
      disk: 'ok',
      region: 'ok',
      account: 'ok',
      'CDK bootstrap': 'failed',
      environment: 'ok',
      'availability zones': 'ok',
      'service-linked roles': 'warning',
      'quota Lambda': 'warning',
      'quota Fargate': 'ok',
      'GPU instance types': 'ok',
      'quota G spot': 'ok',
      'quota G on-demand': 'ok',
    });
    expect(checks.find(({ name }) => name === 'CDK bootstrap')?.remedy).toBe(
      'npx cdk bootstrap aws://123456789012/eu-central-1',
    );
  });

  it('without a quota for GPUs is enough where no job runs on one', async () => {
    const around = {
      ...realSurroundings(),
      ...machine,
      quota: async (service: string) => (service === 'ec2' ? 0 : 6),
    };
    const states = statesOf((await preflight(around, deploy, CLAIM)).checks);
    expect(Object.keys(states).filter((name) => /GPU|quota G/.test(name))).toEqual([]);
    expect(states['quota Fargate']).toBe('warning');
  });

  it('may offer some of the types only', async () => {
    const gpu = { ...onGpu.gpu, instanceTypes: ['zz.large', 'g5.xlarge'] };
    const around = { ...realSurroundings(), ...machine, quota: async () => 8 };
    const { checks } = await preflight(around, { ...onGpu, gpu }, CLAIM);
    const types = checks.find(({ name }) => name === 'GPU instance types');
    expect(types).toMatchObject({ state: 'warning', found: 'g5.xlarge (zz.large is not offered here)' });
    expect(statesOf(checks)['quota G spot']).toBe('warning');
  });

  it('is not asked by nobody, nor without a region', async () => {
    const nobody = {
      ...realSurroundings(),
      ...machine,
      identity: () => Promise.reject(new Error('no credentials')),
      offeredTypes: () => Promise.reject(new Error('must not be asked')),
    };
    const { checks, account } = await preflight(nobody, deploy, CLAIM);
    expect(account).toBeUndefined();
    expect(checks.at(-1)).toMatchObject({ name: 'account', state: 'failed', found: 'no credentials' });
    const nowhere = { ...nobody, region: () => Promise.reject(new Error('Region is missing')) };
    expect((await preflight(nowhere, deploy, CLAIM)).checks.at(-1)).toMatchObject({
      name: 'region',
      state: 'failed',
    });
  });

  it('is looked at by the command, which goes no further', async () => {
    // given a builder of images that answers, and an account that was never bootstrapped
    await moto.reset();
    const docker = join(folder, 'docker');
    await writeFile(docker, '#!/bin/sh\necho 27.1.0 amd64\n');
    await chmod(docker, 0o755);
    process.env.CDK_DOCKER = docker;
    // when
    const { code, stdout, stderr } = await nightjar(['deploy', '--check'], folder);
    // then
    expect(code).toBe(1);
    expect(stdout).toMatch(/^account +ok +123456789012 as arn:aws:sts::123456789012:/m);
    expect(stdout).toMatch(/^Docker +ok +27\.1\.0 on amd64/m);
    expect(stdout).toContain('CDK bootstrap: npx cdk bootstrap aws://123456789012/eu-central-1');
    expect(stderr).toMatch(/nightjar: \d checks? failed: .*CDK bootstrap/);
    // given what was missing
    await bootstrap();
    const after = await nightjar(['deploy', '--json', '--env', 'dev'], folder);
    const found: { environment: string; checks: Check[] } = JSON.parse(after.stdout);
    // then quotas that moto does not know are no reason to stop, and a full disk of this machine may be one
    expect(found.environment).toBe('dev');
    expect(statesOf(found.checks)).toMatchObject({
      'CDK bootstrap': 'ok',
      'quota Fargate': 'warning',
    });
    expect(after.code).toBe(found.checks.some(({ state }) => state === 'failed') ? 1 : 0);
    delete process.env.CDK_DOCKER;
  });
});

describe('the commands', { timeout: 60_000 }, () => {
  it.each([
    ['deploy', '--check', ['--env <name>', '--force', 'cdk arguments']],
    ['redrive', '--dry-run', ['--queue <name>', 'why they died']],
    ['backfill', '--stack', ['--from <day>', '--to <day>']],
  ])('say what %s can do', async (name, option, others) => {
    const { code, stdout } = await nightjar([name, '--help'], await temporaryFolder());
    expect(code).toBe(0);
    for (const text of [option, ...others]) expect(stdout).toContain(text);
  });

  it('end in one sentence when AWS cannot be asked', async () => {
    // given a shop and nobody who listens
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(EMPTY)};\n`);
    const nowhere = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 's',
    };
    Object.assign(process.env, nowhere);
    // when
    const { code, stderr } = await nightjar(['status', '--stack'], folder);
    // then
    expect(code).toBe(1);
    expect(stderr).toContain('nightjar: AWS did not do what was asked: ');
    expect(stderr).not.toContain('    at ');
    for (const name of Object.keys(nowhere)) delete process.env[name];
  });

  it('take no queue that there is not', async () => {
    const { code, stderr } = await nightjar(['redrive', '--queue', 'other'], await temporaryFolder());
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are clean, features');
  });
});

describe('cdk deploy', () => {
  it('is called with the config, the environment, and what stands after "--"', async () => {
    // given a CDK that writes down how it is called
    const folder = await temporaryFolder();
    const program = join(folder, 'cdk.cjs');
    await writeFile(
      program,
      `const { argv, env } = process;
       require('node:fs').writeFileSync('call.json', JSON.stringify({ args: argv.slice(2), region: env.AWS_REGION }));
       process.exit(3);`,
    );
    const home = join(folder, '.nightjar', 'cdk-dev');
    await layCdk(
      home,
      { app: 'node app.js', context: { flag: true } },
      { config: '/shop/nightjar.config.ts', environment: 'dev' },
    );
    // when
    const code = await runCdk({
      adopts: true,
      program,
      folder: home,
      region: 'eu-west-1',
      yes: true,
      extra: ['--hotswap'],
    });
    // then
    expect(code).toBe(3);
    expect(JSON.parse(await readFile(join(home, 'call.json'), 'utf8'))).toEqual({
      args: ['deploy', '--all', '--require-approval', 'never', '--import-existing-resources', '--hotswap'],
      region: 'eu-west-1',
    });
    expect(JSON.parse(await readFile(join(home, 'cdk.json'), 'utf8'))).toEqual({
      app: 'node app.js',
      context: { flag: true, config: '/shop/nightjar.config.ts', env: 'dev' },
    });
  });

  it('asks before permissions change, unless told not to', async () => {
    const folder = await temporaryFolder();
    const program = join(folder, 'cdk.cjs');
    await writeFile(program, `process.exit(process.argv.includes('--require-approval') ? 1 : 0);`);
    const call = {
      adopts: false,
      program,
      folder,
      region: 'r',
      extra: [],
    };
    expect(await runCdk({ ...call, yes: false })).toBe(0);
  });
});
