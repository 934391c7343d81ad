import { deployOf, parseConfig } from '../../lib/config/index.ts';
import { DAY_MS } from '../../lib/data/index.ts';
import { readHead, writeHead } from '../../lib/run/drop-index/head.ts';
import { Loaded } from '../../lib/run/drop-index/loaded.ts';
import { judgedRow, newRow, type Row } from '../../lib/run/drop-index/rows.ts';
import { scopesOf } from '../../lib/run/drop-index/scopes.ts';
import { tick } from '../../lib/run/index.ts';
import { LIMITS } from '../../lib/run/index-limits.ts';
import { type BatchRunner, openFolderStore } from '../../lib/runtime/index.ts';
import { settle } from '../run/made-drops.ts';
import { END, GeneratedStore } from './dispatch-store.ts';

/** One measured call of the tick, in a process of its own: `dispatch-tick.ts FOLDER DROPS WHAT`. */
const [folder = '', drops = '', what = ''] = process.argv.slice(2);

const settings = (type: string) =>
  parseConfig({
    shop: { timeZone: 'UTC' },
    sources: { orders: { format: 'csv', table: 'events', columns: { user: 'u', time: 't', type } } },
    tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 7 } },
  });
const config = settings("'purchase'");
const inner = await openFolderStore(folder, { durable: false });
const store = new GeneratedStore(Number(drops), config, inner);
const jobs: { id: string; name: string }[] = [];
const batch: BatchRunner = {
  async submit({ name }) {
    jobs.push({ id: `job-${jobs.length}`, name });
    return jobs.at(-1)!.id;
  },
  describe: async (ids) =>
    jobs
      .filter(({ id }) => ids.includes(id))
      .map((job) => ({ ...job, status: 'SUBMITTED', createdAt: new Date(0) })),
  list: async () => [],
};

/** Ticks come every five minutes. */
let now = new Date(END + 2.5 * 3_600_000);
async function call(kind: 'tick' | 'heartbeat', by = config) {
  now = new Date(now.getTime() + 300_000);
  return tick({ store, batch, config: by, deploy: deployOf(config, 'prod'), kind, now });
}

/** What a call of ours took. */
async function measured(work: () => Promise<unknown>): Promise<void> {
  Object.assign(store.requests, { get: 0, put: 0, head: 0, list: 0 });
  const started = performance.now();
  const used = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  const seconds = (performance.now() - started) / 1000;
  const said = typeof result === 'object' && result !== null && 'state' in result ? result.state : '';
  console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, said, ...store.requests }));
}

/** The index as ticks would have left it, month by month. */
async function grow(): Promise<void> {
  const scopes = scopesOf(config);
  let index = await Loaded.open(store, []);
  const rest = { cursor: '', now: new Date(END), rows: LIMITS.rows };
  const step = Math.ceil(store.count / 36);
  for (let from = 0; from < store.count; from += step) {
    const rows = new Map<string, Row[]>();
    for (let n = from; n < Math.min(store.count, from + step); n++) {
      const info = store.info(n);
      const { key, size, lastModified } = info;
      const keys = store.keys(n);
      const { clean } = keys;
      const quality = store.quality(n, keys);
      const drop = {
        key,
        size,
        droppedAt: lastModified,
        state: 'done',
        quality,
        ...(clean ? { clean } : {}),
      } as const;
      const { scope } = scopes.of(key);
      if (!rows.has(scope)) rows.set(scope, []);
      rows.get(scope)!.push(judgedRow(newRow(info), drop));
    }
    index = await index.change({ add: rows, ...rest });
  }
  const begun = new Date(END).toISOString();
  const round = { begun, cursor: '' };
  const { refs } = index;
  const settings = { name: scopes.name, since: begun };
  await writeHead(store, { format: 1, refs, round, whole: null, settings, looked: '', slice: 0 }, undefined);
}

async function dropNew(count: number): Promise<void> {
  const day = END / DAY_MS - 1;
  for (let i = 0; i < count; i++) {
    const key = `drop/orders/2024/12/31/new-${i}.csv`;
    await inner.put(key, `rows ${day} ${i}`);
    await settle(store, config, key, 'with days');
  }
}

const indexed = store.count > LIMITS.from;
if (what === 'grow') {
  if (indexed) await grow();
} else {
  if (!indexed || what === 'changed') store.prepare();
  if (what === 'nothing') await measured(async () => {});
  if (what === 'cold') await measured(() => call('heartbeat'));
  if (what === 'quiet') {
    await call('heartbeat');
    await measured(() => call('heartbeat'));
  }
  if (what === 'new') {
    // The round is to come to the new ones, which are the last, with the next call.
    for (let left = store.count; indexed && left > LIMITS.keys; ) {
      await call('heartbeat');
      const head = await readHead(store);
      left = store.count - Number(/part-(\d+)/.exec(head?.head.round.cursor ?? '')?.[1] ?? 0);
    }
    await dropNew(500);
    await measured(() => call('heartbeat'));
  }
  if (what === 'night') {
    let result = { state: '' };
    for (let n = 0; result.state !== 'started'; n++) {
      if (n > 50) throw new Error(`no night was started: ${JSON.stringify(result)}`);
      await measured(async () => (result = await call('tick')));
    }
  }
  if (what === 'changed') {
    const other = settings("'view'");
    await call('heartbeat', other);
    await measured(() => call('heartbeat', other));
  }
}
