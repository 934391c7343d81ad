import { afterEach, expect, it, vi } from 'vitest';
import { countJob } from '../../../lib/runtime/aws/index.ts';

afterEach(() => vi.restoreAllMocks());

/** Lines that a call of `countJob` prints, as CloudWatch reads them. */
function printed(call: () => void): Record<string, unknown>[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  call();
  vi.restoreAllMocks();
  return lines.map((line) => JSON.parse(line));
}

const CLOUD = { NIGHTJAR_DATA_BUCKET: 'data', NIGHTJAR_ENVIRONMENT: 'staging', NIGHTJAR_DEVICE: 'cpu' };

it('a job in the cloud tells what it did, for its environment', () => {
  const [line, ...more] = printed(() => countJob('score', CLOUD, { Users: 3000 }, 1500));
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    _aws: {
      CloudWatchMetrics: [
        { Namespace: 'Nightjar', Dimensions: [expect.arrayContaining(['service', 'environment'])] },
      ],
    },
    service: 'score',
    environment: 'staging',
    Users: 3000,
    Seconds: 1.5,
    device: 'cpu',
  });
});

it("a job on a machine of one's own says nothing", () => {
  expect(printed(() => countJob('score', {}, { Users: 1 }, 1))).toEqual([]);
});
