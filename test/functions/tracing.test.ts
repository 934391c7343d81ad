import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CleanEntry, makeHandler as makeClean } from '../../functions/clean/handler.ts';
import { traced } from '../../functions/dispatch/tracing.ts';
import { makeHandler as makeFeatures } from '../../functions/features/handler.ts';
import { tracing } from '../../functions/tracing.ts';
import { dropId } from '../../lib/data/index.ts';
import type { TickResult } from '../../lib/run/index.ts';
import { openTraces } from '../../lib/runtime/aws/index.ts';
import { formatS3Event, nightTrace, type ObjectStore, StoreError } from '../../lib/runtime/index.ts';
import { startXRay, type XRay } from '../aws/xray.ts';
import { emptyFolder, events, pseudonyms, shopOf, storeIn } from './shop.ts';

const config = shopOf(events);
const key = 'drop/shop/user-7@shop.example.csv';
const CONTENT = `user,time,type,item,quantity,price
user-7,2011-05-01 08:00:00,purchase,mug,1,2.50
user-7,never,purchase,mug,1,2.50
`;
/** In summer time: 04:30 of the shop, half an hour before the deadline. */
const SENT = Date.UTC(2011, 4, 2, 3, 30);

let xray: XRay;
let lines: { trace_id: string }[];

beforeEach(async () => {
  xray = await startXRay();
  lines = [];
});
afterEach(() => xray.close());

const logger = {
  appendKeys: (keys: { trace_id: string }) => void lines.push(keys),
  error: () => {},
};
const open = () => openTraces(xray.env, () => {})!;

/** A message as Lambda gives it. */
const told = (object: string, sent = SENT, delivery = 1) => ({
  Records: [
    {
      messageId: 'm',
      receiptHandle: 'r',
      body: formatS3Event({ bucket: 'b', key: object, size: 1, etag: 'e' }),
      attributes: { ApproximateReceiveCount: String(delivery), SentTimestamp: String(sent) },
    },
  ],
});

function cleaning(store: ObjectStore) {
  const entries: CleanEntry[] = [];
  const handle = makeClean({
    store,
    config,
    pseudonyms,
    report: (entry) => entries.push(entry),
    around: tracing<CleanEntry>({
      traces: open(),
      stage: 'clean',
      config,
      dropOf: dropId,
      told: ({ status }) => ({ annotations: { status }, refused: status === 'refused' }),
      logger,
    }),
  });
  return { handle, entries };
}

it('a drop and its day rows are segments of the night that waits for them, without a name', async () => {
  // given
  const store = await storeIn((await emptyFolder()).folder);
  await store.put(key, CONTENT);
  const features = makeFeatures({
    store,
    config,
    around: tracing<{ written: boolean }>({
      traces: open(),
      stage: 'features',
      config,
      dropOf: (clean) => clean.split('/')[2]!,
      told: ({ written }) => ({ annotations: { written } }),
      logger,
    }),
  });
  // when
  const { handle, entries } = cleaning(store);
  await handle(told(key));
  const clean: string[] = [];
  for await (const object of store.list('clean/events/')) clean.push(object.key);
  await features(told(clean[0]!, SENT + 60_000));
  // then
  expect(entries).toMatchObject([{ status: 'clean', clean: 1, quarantined: 1 }]);
  const traceId = nightTrace('prod', config, '2011-05-02');
  const common = { as_of: '2011-05-02', drop: dropId(key), delivery: 1 };
  expect(xray.documents).toMatchObject([
    { name: 'nightjar-prod-clean', trace_id: traceId, annotations: { ...common, status: 'clean' } },
    { name: 'nightjar-prod-features', trace_id: traceId, annotations: { ...common, written: true } },
  ]);
  expect(lines).toEqual([{ trace_id: traceId }, { trace_id: traceId }]);
  expect(JSON.stringify(xray.documents)).not.toMatch(/user-7|shop\.example|mug/);
});

it('a drop that comes after the deadline is for the next night; a refused one is an error', async () => {
  const store = await storeIn((await emptyFolder()).folder);
  await store.put(key, '{');
  await cleaning(store).handle(told(key, SENT + 1_800_000));
  expect(xray.documents).toMatchObject([
    { error: true, trace_id: nightTrace('prod', config, '2011-05-03'), annotations: { status: 'refused' } },
  ]);
});

it('a delivery that failed and the next one are two segments of one trace', async () => {
  // given
  const store = await storeIn((await emptyFolder()).folder);
  await store.put(key, CONTENT);
  const away = new StoreError(`${key} cannot be read`);
  const broken: ObjectStore = { ...store, get: () => Promise.reject(away), head: () => Promise.reject(away) };
  // when
  const { batchItemFailures } = await cleaning(broken).handle(told(key));
  await cleaning(store).handle(told(key, SENT, 2));
  // then
  expect(batchItemFailures).toEqual([{ itemIdentifier: 'm' }]);
  const [first, second] = xray.documents;
  expect(first).toMatchObject({ fault: true, cause: { exceptions: [{ type: 'StoreError' }] } });
  expect(second).toMatchObject({ trace_id: first!.trace_id, annotations: { delivery: 2, status: 'clean' } });
  expect(second!.id).not.toBe(first!.id);
  expect(second).not.toHaveProperty('fault');
  expect(JSON.stringify(xray.documents)).not.toContain('user-7');
});

it('calls of dispatch that only look are no segments; those that fail, or miss the export, are', async () => {
  // given
  const store = await storeIn((await emptyFolder()).folder);
  const idle: TickResult = {
    kind: 'tick',
    asOf: '2011-05-02',
    state: 'waiting',
    pending: 1,
    missing: [],
    stale: [],
    stages: {},
    others: [],
  };
  const call = (answer: () => Promise<TickResult>) =>
    traced(answer, { traces: open(), store, config, logger })(undefined);
  // when / then
  await call(async () => idle);
  expect(xray.documents).toEqual([]);
  expect(lines.at(-1)).toEqual({ trace_id: nightTrace('prod', config, '2011-05-02') });
  await call(async () => ({ ...idle, kind: 'watchdog', exportMissing: `${key} is pending` }));
  const away = new StoreError('away');
  await expect(call(() => Promise.reject(away))).rejects.toBe(away);
  expect(xray.documents).toMatchObject([
    { fault: true, trace_id: nightTrace('prod', config, '2011-05-02'), annotations: { kind: 'watchdog' } },
    { fault: true, cause: { exceptions: [{ type: 'StoreError' }] } },
  ]);
  expect(JSON.stringify(xray.documents)).not.toContain('user-7');
});
