import { fileURLToPath } from 'node:url';
import { Field, Int32, type RecordBatch, Uint32, Utf8 } from 'apache-arrow';
import { recordBatch } from '../../lib/data/index.ts';
import { type KeyedDrop, KeyRows, keysKey } from '../../lib/features/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { runMeasured } from './measured.ts';
import { FIRST_DAY } from './shop.ts';
import { load, printTable, unit, whole, withFolder } from './support.ts';

/** Lines with an identity in the whole history. */
const SIZES = (process.env.BENCH_LINES ?? '1000000,3000000,10000000').split(',').map(Number);
/** Lines of a drop: one drop a day. */
const DAILY = 15_000;
const SHARDS = 64;
/** Drops that tell of an event: the first, and re-exports on the next days. */
const TOLD = [1, 3];

/** What finding out which versions of events count costs a run, as its history grows. */
export async function benchKeys(): Promise<void> {
  const rows: string[][] = [];
  for (const told of TOLD) {
    for (const lines of SIZES) {
      await withFolder(async (folder) => {
        const store = await openFolderStore(folder, { durable: false });
        const { drops, bytes, cpu } = await writeKeys(store, lines, told);
        const job = async () => {
          const script = fileURLToPath(new URL('./keys-job.ts', import.meta.url));
          const tsx = import.meta.resolve('tsx');
          const args = ['--import', tsx, script, folder, String(SHARDS), JSON.stringify(drops)];
          const { output, peakRss } = await runMeasured(args, {});
          return { ...JSON.parse(output), peakRss };
        };
        const first = await job();
        const second = await job();
        if (first.replaced !== (drops.length * DAILY * (told - 1)) / told) {
          throw new Error(`${first.replaced} lines of ${drops.length} drops were replaced`);
        }
        rows.push([
          `${whole(drops.length * DAILY)}, each event in ${told} ${told === 1 ? 'drop' : 'drops'}`,
          whole(drops.length),
          (bytes / 2 ** 20).toFixed(0),
          cpu.toFixed(2),
          first.seconds.toFixed(2),
          first.cpu.toFixed(2),
          whole(first.requests),
          (first.bytesRead / 2 ** 20).toFixed(0),
          (first.peakRss / 2 ** 20).toFixed(0),
          (1000 * second.seconds).toFixed(0),
          whole(second.requests),
          (1000 * second.shardSeconds).toFixed(0),
          whole(second.shardRequests),
        ]);
      });
    }
  }
  printTable(
    `lines with a key in a run's drops; the first job decides, the others read, ${SHARDS} shards (load ${load()})`,
    [
      'lines',
      'drops',
      'key files MiB',
      'built cpu s',
      'first s',
      'cpu s',
      'requests',
      'read MiB',
      'peak MiB',
      'other ms',
      'requests',
      'shard ms',
      'requests',
    ],
    rows,
  );
}

/** Drops of one size, each with the events of a day and those of the days before it again. */
async function writeKeys(
  store: ObjectStore,
  lines: number,
  told: number,
): Promise<{ drops: KeyedDrop[]; bytes: number; cpu: number }> {
  const drops: KeyedDrop[] = [];
  const fresh = DAILY / told;
  const days = Math.round(lines / DAILY);
  let bytes = 0;
  let cpu = 0;
  for (let day = 0; day < days; day++) {
    const dropId = `day${day}`;
    const events: number[] = [];
    // The first days' events are told again on the last days, so that each is told as often.
    for (let back = 0; back < told; back++) {
      const of = (day - back + days) % days;
      for (let i = 0; i < fresh; i++) events.push(of * fresh + i);
    }
    const batch = batchOf(events);
    const used = process.cpuUsage();
    const rows = new KeyRows();
    rows.add(batch, dropId);
    const body = rows.encode();
    cpu += process.cpuUsage(used).user / 1e6;
    if (!(body instanceof Uint8Array)) throw new Error('a drop of this size is no stream');
    bytes += body.length;
    const drop = { drop: dropId, dropId, revision: 'r1', source: 'orders', droppedAt: day, lines: DAILY };
    await store.put(keysKey(drop), body);
    drops.push(drop);
  }
  return { drops, bytes, cpu };
}

const FIELDS = [
  new Field('id', new Utf8(), false),
  new Field('hash', new Uint32(), false),
  new Field('day', new Int32(), false),
];

/** Clean rows as far as key files read them. */
function batchOf(events: readonly number[]): RecordBatch {
  const hex = (seed: number, salt: number) =>
    Math.floor(unit(seed, salt) * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const ids = events.map((event) => hex(event, 1) + hex(event, 2));
  const valueOffsets = Int32Array.from({ length: ids.length + 1 }, (_, i) => 16 * i);
  const columns = [
    { type: new Utf8(), length: ids.length, nullCount: 0, valueOffsets, data: Buffer.from(ids.join('')) },
    {
      type: new Uint32(),
      length: ids.length,
      nullCount: 0,
      data: Uint32Array.from(events, (event) => unit(event, 3) * 2 ** 32),
    },
    {
      type: new Int32(),
      length: ids.length,
      nullCount: 0,
      data: Int32Array.from(events, (event) => FIRST_DAY + Math.floor(event / DAILY)),
    },
  ];
  return recordBatch(FIELDS, columns, ids.length);
}
