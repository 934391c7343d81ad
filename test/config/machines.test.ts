import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';

/** What is wrong with a config of these deployment settings, a line each. */
function faultsOf(deploy: object, environments: object = {}): string[] {
  try {
    parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {}, deploy, environments });
  } catch (error) {
    return String(error)
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('machines that there are not', () => {
  it.each([
    [{ vcpus: 4, memoryMiB: 32768 }, '30720: Fargate has 8192 to 30720 in steps of 1024 with 4 vCPUs'],
    [{ vcpus: 4, memoryMiB: 4096 }, '8192: Fargate has 8192 to 30720 in steps of 1024 with 4 vCPUs'],
    [
      { vcpus: 8, memoryMiB: 17408 },
      '16384 or 20480: Fargate has 16384 to 61440 in steps of 4096 with 8 vCPUs',
    ],
    [{ vcpus: 16, memoryMiB: 122881 }, '122880: Fargate has 32768 to 122880 in steps of 8192 with 16 vCPUs'],
  ])('%j on Fargate: the sizes near it are told', (cpu, expected) => {
    expect(faultsOf({ cpu })).toEqual([`deploy.cpu.memoryMiB: given ${cpu.memoryMiB}, expected ${expected}`]);
  });

  it.each([
    ['gr6.xlarge', 'gr6.4xlarge, gr6.8xlarge'],
    ['g5.12xlarge', 'g5.xlarge, g5.2xlarge, g5.4xlarge, g5.8xlarge, g5.16xlarge'],
    ['m7i.xlarge', 'g4dn.xlarge, g5.xlarge, g6.xlarge, g6e.xlarge'],
    ['p5.48xlarge', 'g4dn.xlarge, g5.xlarge, g6.xlarge, g6e.xlarge, gr6.4xlarge'],
  ])('%s for a job with one GPU: types like it are told', (type, near) => {
    expect(faultsOf({ gpu: { instanceTypes: ['g6.xlarge', type] } })).toEqual([
      `deploy.gpu.instanceTypes: given "${type}", expected one of ${near}: types with one GPU and x86 processors`,
    ]);
  });

  it('of one environment are told by its name, those of all once', () => {
    expect(faultsOf({}, { eu: { cpu: { vcpus: 8, memoryMiB: 8192 } } })).toEqual([
      'environments.eu.cpu.memoryMiB: given 8192, expected 16384: Fargate has 16384 to 61440 in steps of 4096 with 8 vCPUs',
    ]);
    expect(faultsOf({ cpu: { memoryMiB: 5 } }, { eu: { scoreChildren: 1 } })).toHaveLength(1);
  });

  it('leave no room for one job', () => {
    expect(faultsOf({ cpu: { vcpus: 4, maxVcpus: 2 } })).toEqual([
      'deploy.cpu.maxVcpus: given 2, expected at least the 4 vCPUs of one job',
    ]);
    const gpu = { instanceTypes: ['g6.2xlarge'], maxVcpus: 4 };
    expect(faultsOf({ compute: { score: 'gpu' }, gpu })).toEqual([
      'deploy.gpu.maxVcpus: given 4, expected at least the 8 vCPUs of one job',
    ]);
    expect(faultsOf({ gpu })).toEqual([]);
  });
});

it('the defaults are machines that there are', () => {
  expect(
    faultsOf({}, { dev: { cpu: { vcpus: 2 } }, large: { cpu: { vcpus: 16, memoryMiB: 32768 } } }),
  ).toEqual([]);
});
