import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTraces } from '../../../lib/runtime/aws/index.ts';
import { nightTrace, StoreError } from '../../../lib/runtime/index.ts';
import { hasMoto, startMoto } from '../../aws/moto.ts';
import { segmentsOf, startXRay, type XRay } from '../../aws/xray.ts';

const traceId = nightTrace('staging', { shop: { name: 'shop', timeZone: 'UTC' } }, '2026-07-02');
const segment = { traceId, stage: 'score', annotations: { as_of: '2026-07-02', run: 'r' } };

describe('segments', () => {
  let xray: XRay;
  const warnings: string[] = [];
  const open = () =>
    openTraces({ ...xray.env, NIGHTJAR_ENVIRONMENT: 'staging' }, (sentence) => warnings.push(sentence))!;

  beforeEach(async () => {
    warnings.length = 0;
    xray = await startXRay();
  });
  afterEach(() => xray.close());

  it('say what was done, when, and what came of it', async () => {
    // when
    const answer = await open().during(segment, async (note) => {
      note({ shards: '0-3' });
      note({ users: 12 });
      return 'done';
    });
    // then
    expect([answer, warnings]).toEqual(['done', []]);
    const [document, ...more] = xray.documents;
    expect(more).toEqual([]);
    expect(document).toEqual({
      name: 'nightjar-staging-score',
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      trace_id: traceId,
      start_time: expect.any(Number),
      end_time: expect.any(Number),
      annotations: {
        environment: 'staging',
        stage: 'score',
        as_of: '2026-07-02',
        run: 'r',
        shards: '0-3',
        users: 12,
      },
    });
    expect(document!.end_time).toBeGreaterThanOrEqual(document!.start_time);
  });

  it('that last long are seen from their beginning, and end under the same id', async () => {
    const parent = '0123456789abcdef';
    await open().during({ ...segment, parent }, async () => {}, true);
    const [began, ended] = xray.documents;
    expect(began).toMatchObject({ in_progress: true, parent_id: parent });
    expect(began).not.toHaveProperty('end_time');
    expect(ended).toMatchObject({ id: began!.id, parent_id: parent, start_time: began!.start_time });
    expect(ended).not.toHaveProperty('in_progress');
  });

  it('of work that failed are faults of a kind; what the error says stays in the log', async () => {
    // given
    const cause = Object.assign(new Error('user-7@shop.example'), { name: 'SlowDown' });
    const error = new StoreError('drop/orders/user-7.csv cannot be read', { cause });
    // when
    await expect(
      open().during(segment, async () => {
        throw error;
      }),
    ).rejects.toBe(error);
    // then
    const [document] = xray.documents;
    expect(document).toMatchObject({ fault: true });
    expect(document!.cause!.exceptions.map(({ type }) => type)).toEqual(['StoreError', 'SlowDown']);
    expect(JSON.stringify(xray.documents)).not.toMatch(/user-7/);
  });

  it('of what was refused are errors, not faults', async () => {
    await open().during(segment, async (note) => note({ status: 'refused' }, true));
    expect(xray.documents).toMatchObject([{ error: true, annotations: { status: 'refused' } }]);
    expect(xray.documents[0]).not.toHaveProperty('fault');
  });

  it.each([
    [
      'refuses',
      200,
      { UnprocessedTraceSegments: [{ Id: 'x', ErrorCode: 'TooLarge', Message: 'full' }] },
      /TooLarge: full/,
    ],
    ['fails', 503, {}, /HTTP 503/],
    ['does not answer', 0, {}, /time/i],
  ])('are lost with one warning where X-Ray %s, and the work is done', async (_, status, body, why) => {
    // given
    xray.answer(status, body);
    // when
    const answer = await open().during(segment, async () => 'done');
    // then
    expect(answer).toBe('done');
    expect(warnings).toEqual([expect.stringMatching(why)]);
    expect(warnings[0]).toContain(traceId);
  });

  it('are told of a call that is over, under the id that others know', async () => {
    await open().tell({ ...segment, id: '0123456789abcdef' }, new Date(1_000_000));
    expect(xray.documents).toMatchObject([{ id: '0123456789abcdef', start_time: 1000 }]);
  });

  it('are not there where nobody asked for them', () => {
    expect(openTraces({ ...xray.env, NIGHTJAR_TRACES: undefined }, () => {})).toBeUndefined();
  });
});

it.skipIf(!hasMoto)(
  'X-Ray keeps segments that were sent apart as one trace',
  { timeout: 60_000 },
  async () => {
    // given
    const moto = await startMoto();
    const before = { ...process.env };
    try {
      Object.assign(process.env, moto.env);
      // The first request loads the service, which may take longer than a segment is waited for.
      expect(await segmentsOf(moto.endpoint, [traceId])).toEqual([]);
      const warnings: string[] = [];
      const traces = openTraces({ ...moto.env, NIGHTJAR_TRACES: '1' }, (line) => warnings.push(line))!;
      // when
      await traces.during({ ...segment, stage: 'clean' }, async () => {});
      await traces.tell({ ...segment, stage: 'dispatch' }, new Date(), new StoreError('away'));
      // then
      expect(warnings).toEqual([]);
      const names = (await segmentsOf(moto.endpoint, [traceId])).map(({ name }) => name);
      expect(names.sort()).toEqual(['nightjar-prod-clean', 'nightjar-prod-dispatch']);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      await moto.stop();
    }
  },
);
