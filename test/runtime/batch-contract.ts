import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BatchError,
  type BatchRunner,
  type JobDescription,
  type JobRequest,
} from '../../lib/runtime/index.ts';
import { temporaryFolder } from './temp.ts';

export interface BatchUnderTest {
  readonly runner: BatchRunner;
  wait(id: string): Promise<JobDescription>;
}

type Step =
  | readonly ['record' | 'recordId' | 'print' | 'complain' | 'kill', string]
  | readonly ['until' | 'exit', number];

/** A request for the job of `children/job.mjs`. */
export function plan(
  name: string,
  record: string,
  steps: Readonly<Record<string, readonly (readonly Step[])[]>>,
  more: Partial<JobRequest> = {},
): JobRequest {
  return { name, definition: 'score', environment: { PLAN: JSON.stringify(steps), RECORD: record }, ...more };
}

/** The sorted lines that jobs recorded. */
export async function recorded(record: string): Promise<string[]> {
  return (await readFile(record, 'utf8')).split('\n').slice(0, -1);
}

/** What every runner promises. `make` gives one whose definitions all run `children/job.mjs`, two at a time. */
export function batchContract(name: string, make: () => Promise<BatchUnderTest>): void {
  const newRecord = async () => join(await temporaryFolder(), 'record');

  describe(name, () => {
    it('runs a plain job with its environment', async () => {
      // given
      const { runner, wait } = await make();
      const record = await newRecord();
      // when
      const id = await runner.submit(plan('plain', record, { plain: [[['recordId', 'RECORD']]] }));
      const done = await wait(id);
      // then
      expect(done).toMatchObject({ id, name: 'plain', status: 'SUCCEEDED' });
      expect(done.reason).toBeUndefined();
      expect(await recorded(record)).toEqual([`${id} ${record}`]);
    });

    it('runs every index of an array once', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const id = await runner.submit(plan('array', record, { all: [[['record', 'ran']]] }, { arraySize: 5 }));
      expect((await wait(id)).status).toBe('SUCCEEDED');
      expect((await recorded(record)).sort()).toEqual([0, 1, 2, 3, 4].map((i) => `ran ${i} 1`));
    });

    it('retries exit codes 75 and 137 and signals, within the attempts', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const id = await runner.submit(
        plan(
          'retried',
          record,
          {
            0: [
              [
                ['record', 'a'],
                ['exit', 75],
              ],
              [
                ['record', 'a'],
                ['exit', 137],
              ],
              [['record', 'a']],
            ],
            1: [
              [
                ['record', 'b'],
                ['kill', 'SIGKILL'],
              ],
              [['record', 'b']],
            ],
          },
          { arraySize: 2, attempts: 3 },
        ),
      );
      expect((await wait(id)).status).toBe('SUCCEEDED');
      expect((await recorded(record)).sort()).toEqual(['a 0 1', 'a 0 2', 'a 0 3', 'b 1 1', 'b 1 2']);
    });

    it('fails when the attempts are used up, and at once for other exit codes', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const all = [
        [
          ['record', 'x'],
          ['complain', 'out of luck'],
          ['exit', 75],
        ],
      ] as const;
      const one = [
        [
          ['record', 'y'],
          ['complain', 'bad input'],
          ['complain', ''],
          ['exit', 1],
        ],
      ] as const;
      const used = await wait(await runner.submit(plan('used-up', record, { all }, { attempts: 2 })));
      const wrong = await wait(await runner.submit(plan('wrong', record, { all: one }, { attempts: 4 })));
      const never = await wait(await runner.submit(plan('once', record, { all })));
      expect(used).toMatchObject({
        status: 'FAILED',
        fault: 'away',
        reason: expect.stringMatching(/75.*out of luck/),
      });
      expect(wrong).toMatchObject({
        status: 'FAILED',
        fault: 'work',
        reason: expect.stringMatching(/exit code 1.*bad input/),
      });
      expect(never.status).toBe('FAILED');
      expect(await recorded(record)).toEqual(['x - 1', 'x - 2', 'y - 1', 'x - 1']);
    });

    it('fails an array for one child, after the others have run', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const steps = { 1: [[['exit', 3]]], all: [[['record', 'ran']]] } as const;
      const done = await wait(await runner.submit(plan('one-bad', record, steps, { arraySize: 4 })));
      expect(done).toMatchObject({ status: 'FAILED', reason: expect.stringMatching(/child 1.*exit code 3/) });
      expect((await recorded(record)).sort()).toEqual(['ran 0 1', 'ran 2 1', 'ran 3 1']);
    });

    it('starts a job when those it depends on have succeeded', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const first = await runner.submit(
        plan('first', record, { all: [[['record', '1']]] }, { arraySize: 2 }),
      );
      const second = await runner.submit(
        plan('second', record, { all: [[['record', '2']]] }, { dependsOn: [first] }),
      );
      const third = await runner.submit(
        plan('third', record, { all: [[['record', '3']]] }, { dependsOn: [first, second] }),
      );
      expect((await wait(third)).status).toBe('SUCCEEDED');
      expect((await recorded(record)).map((line) => line[0])).toEqual(['1', '1', '2', '3']);
    });

    it('fails what depends on a failed job, directly or not, without starting it', async () => {
      const { runner, wait } = await make();
      const record = await newRecord();
      const first = await runner.submit(
        plan('first', record, {
          all: [
            [
              ['record', '1'],
              ['exit', 1],
            ],
          ],
        }),
      );
      const second = await runner.submit(
        plan('second', record, { all: [[['record', '2']]] }, { dependsOn: [first] }),
      );
      const third = await runner.submit(
        plan('third', record, { all: [[['record', '3']]] }, { dependsOn: [second] }),
      );
      expect((await wait(third)).status).toBe('FAILED');
      const [described] = await runner.describe([second]);
      expect(described).toMatchObject({
        status: 'FAILED',
        fault: 'predecessor',
        reason: expect.stringContaining(first),
      });
      // also one that is submitted afterwards
      const late = await runner.submit(
        plan('late', record, { all: [[['record', '4']]] }, { dependsOn: [first] }),
      );
      expect((await wait(late)).status).toBe('FAILED');
      expect(await recorded(record)).toEqual(['1 - 1']);
    });

    it('refuses to wait for a job that it does not know', async () => {
      const { runner } = await make();
      const waiting = runner.submit(plan('ok', 'none', {}, { dependsOn: ['unknown'] }));
      await expect(waiting).rejects.toThrow(BatchError);
      expect(await runner.list('ok')).toEqual([]);
    });
  });
  batchRecordsContract(name, make);
}

/** What runners promise of jobs that they only keep record of: also where nothing is run. */
export function batchRecordsContract(name: string, make: () => Promise<BatchUnderTest>): void {
  describe(`${name}: records`, () => {
    it('finds jobs by name, newest first, and by id', async () => {
      const { runner, wait } = await make();
      const ids: string[] = [];
      for (const jobName of ['same', 'other', 'same']) {
        ids.push(await runner.submit(plan(jobName, 'none', {})));
      }
      for (const id of ids) await wait(id);
      expect((await runner.list('same')).map(({ id }) => id)).toEqual([ids[2], ids[0]]);
      expect(await runner.list('sam')).toEqual([]);
      expect((await runner.describe([ids[1]!, 'unknown'])).map(({ id }) => id)).toEqual([ids[1]]);
    });

    it('refuses requests that no runner could carry out', async () => {
      const { runner } = await make();
      const wrong: Partial<JobRequest>[] = [
        { name: '' },
        { name: 'a b' },
        { name: 'x'.repeat(129) },
        { arraySize: 1 },
        { arraySize: 10_001 },
        { arraySize: 2.5 },
        { attempts: 0 },
        { attempts: 11 },
      ];
      for (const change of wrong) {
        const request = { ...plan('ok', 'none', {}), ...change };
        await expect(runner.submit(request), JSON.stringify(change)).rejects.toThrow(BatchError);
      }
      expect(await runner.list('ok')).toEqual([]);
    });
  });
}
