import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import {
  type Answer,
  type Check,
  checkBootstrap,
  checkDisk,
  checkDocker,
  checkIdentity,
  checkInstances,
  checkNode,
  checkQuotas,
  checkRegion,
  checkShop,
  type OfferedType,
  quotasOf,
} from '../../lib/operate/index.ts';

const { gpu } = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} }).deploy;
const denied = { error: Object.assign(new Error('not allowed to'), { name: 'AccessDeniedException' }) };
const GIB = 2 ** 30;

const offered = (type: string, changes: Partial<OfferedType> = {}): OfferedType => ({
  type,
  vcpus: 4,
  gpus: 1,
  architectures: ['x86_64'],
  ...changes,
});
const quotas = (
  onDemand: number,
  spot: number,
  settings = gpu,
  types = [offered('g6.xlarge'), offered('g5.xlarge')],
): Check[] => {
  const answers = new Map<string, Answer<number>>([
    ['L-DB2E81BA', { value: onDemand }],
    ['L-3819A6DF', { value: spot }],
  ]);
  return checkQuotas(settings, types, answers, 'eu-central-1');
};

describe('a check before a deployment', () => {
  it.each<[string, Check, Check['state'], string, string | undefined]>([
    ['this Node', checkNode('v22.1.0'), 'ok', 'v22.1.0', undefined],
    ['the oldest Node', checkNode('v20.19.0'), 'ok', 'v20.19.0', undefined],
    ['a Node that is too old', checkNode('v20.18.3'), 'failed', 'v20.18.3', 'newer Node'],
    [
      'an account',
      checkIdentity({ value: { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/ann' } }),
      'ok',
      '123456789012',
      undefined,
    ],
    [
      'nobody signed in',
      checkIdentity(denied),
      'failed',
      'AccessDeniedException: not allowed to',
      'AWS_PROFILE',
    ],
    ['no region', checkRegion({ error: new Error('Region is missing') }), 'failed', 'missing', '--region'],
    [
      'a bootstrapped account',
      checkBootstrap({ value: 21 }, '1', 'eu-west-1'),
      'ok',
      'version 21',
      undefined,
    ],
    [
      'an account that is not',
      checkBootstrap({ value: undefined }, '1', 'eu-west-1'),
      'failed',
      'not bootstrapped',
      'npx cdk bootstrap aws://1/eu-west-1',
    ],
    [
      'an old bootstrap',
      checkBootstrap({ value: 5 }, '1', 'eu-west-1'),
      'failed',
      'version 5',
      'cdk bootstrap',
    ],
    [
      'a bootstrap nobody may look at',
      checkBootstrap(denied, '1', 'x'),
      'warning',
      'not allowed',
      'ssm:GetParameter',
    ],
    ['a free environment', checkShop({ value: undefined }, 'prod', 'A'), 'ok', 'prod is free', undefined],
    ['its own environment', checkShop({ value: 'A' }, 'prod', 'A'), 'ok', 'prod is of shop "A"', undefined],
    ["another shop's", checkShop({ value: 'B' }, 'prod', 'A'), 'failed', 'prod is of shop "B"', '--env'],
    ['one nobody may look at', checkShop(denied, 'prod', 'A'), 'warning', 'not allowed', 'cloudformation'],
    [
      'Docker',
      checkDocker('docker', ['amd64'], { value: { version: '27.1', arch: 'amd64' } }),
      'ok',
      '27.1',
      undefined,
    ],
    [
      'Docker on another processor',
      checkDocker('docker', ['amd64'], { value: { version: '27.1', arch: 'arm64' } }),
      'warning',
      'arm64',
      'emulate',
    ],
    [
      'no Docker',
      checkDocker('docker', ['amd64'], { error: new Error('gone') }),
      'failed',
      'gone',
      'CDK_DOCKER',
    ],
    [
      'Docker on the processor that is wanted',
      checkDocker('docker', ['arm64'], { value: { version: '27.1', arch: 'aarch64' } }),
      'ok',
      'aarch64',
      undefined,
    ],
    [
      'a disk for images without CUDA',
      checkDisk('/tmp', 'cpu', { value: 5 * GIB }),
      'ok',
      '5 GiB',
      undefined,
    ],
    ['a free disk', checkDisk('/tmp', 'gpu', { value: 20 * GIB }), 'ok', '20 GiB', undefined],
    ['a rather full disk', checkDisk('/tmp', 'gpu', { value: 12 * GIB }), 'warning', '12 GiB', 'make room'],
    ['a full disk', checkDisk('/tmp', 'gpu', { value: 3 * GIB }), 'failed', '3 GiB', 'make room'],
  ])('judges %s', (_, check, state, found, remedy) => {
    expect(check.state).toBe(state);
    expect(check.found).toContain(found);
    expect(check.expected).not.toBe('');
    if (remedy === undefined) expect(check.remedy).toBeUndefined();
    else expect(check.remedy).toContain(remedy);
  });
});

describe('instance types', () => {
  const wanted = ['g6.xlarge', 'g5.xlarge'];

  it('are all there', () => {
    expect(checkInstances(wanted, { value: wanted.map((type) => offered(type)) })).toEqual({
      name: 'GPU instance types',
      state: 'ok',
      found: 'g6.xlarge, g5.xlarge',
      expected: 'g6.xlarge, g5.xlarge',
    });
  });

  it('need one that the region offers', () => {
    const some = checkInstances(wanted, { value: [offered('g5.xlarge')] });
    expect(some).toMatchObject({ state: 'warning', found: 'g5.xlarge (g6.xlarge is not offered here)' });
    const none = checkInstances(wanted, { value: [] });
    expect(none.state).toBe('failed');
    expect(none.remedy).toContain('deploy.gpu.instanceTypes');
  });

  it.each([
    ['another maker of GPUs', { gpus: 0 }],
    ['another processor', { architectures: ['arm64'] }],
  ])('do not count with %s', (_, changes) => {
    const check = checkInstances(['g5g.xlarge'], { value: [offered('g5g.xlarge', changes)] });
    expect(check).toMatchObject({ state: 'failed', found: expect.stringContaining('no NVIDIA GPU') });
  });
});

describe('quotas of vCPUs', () => {
  it('are asked for by the families of the types, spot only where it is tried', () => {
    const codes = (settings: typeof gpu) => quotasOf(settings).map(({ code }) => code);
    expect(codes(gpu)).toEqual(['L-3819A6DF', 'L-DB2E81BA']);
    expect(codes({ ...gpu, spot: false })).toEqual(['L-DB2E81BA']);
    expect(codes({ ...gpu, instanceTypes: ['p4d.24xlarge'] })).toEqual(['L-7212CCBC', 'L-417A185B']);
  });

  it.each([
    ['enough of both', 32, 32, 'ok', 'ok'],
    ['no spot', 32, 0, 'ok', 'warning'],
    ['spot alone', 0, 32, 'warning', 'ok'],
    ['some', 8, 4, 'warning', 'warning'],
    ['none at all', 0, 0, 'failed', 'failed'],
    ['less than one instance', 3, 0, 'failed', 'failed'],
  ] as const)('judge %s', (_, onDemand, spot, first, second) => {
    const [spotCheck, onDemandCheck] = quotas(onDemand, spot);
    expect([onDemandCheck!.state, spotCheck!.state]).toEqual([first, second]);
  });

  it('say how to ask for more', () => {
    const [spot] = quotas(32, 0);
    expect(spot).toMatchObject({
      found: '0 vCPUs: not one instance starts',
      expected: '32 vCPUs (L-3819A6DF)',
    });
    expect(spot!.remedy).toContain('--quota-code L-3819A6DF --desired-value 32 --region eu-central-1');
  });

  it('keep nobody from deploying when they cannot be looked at', () => {
    const answers = new Map<string, Answer<number>>(quotasOf(gpu).map(({ code }) => [code, denied]));
    const states = checkQuotas(gpu, [], answers, 'eu-central-1').map(({ state }) => state);
    expect(states).toEqual(['warning', 'warning']);
  });
});
