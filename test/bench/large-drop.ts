import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../../lib/data/index.ts';
import { type ObjectInfo, type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { BIG_CONFIG, writeBig } from './clean.ts';
import { runMeasured } from './measured.ts';
import { load, printTable, whole, withFolder } from './support.ts';

/** A gigabyte of csv. */
const ROWS = Number(process.env.BENCH_ROWS ?? 16_000_000);
/** What the job is told that it may use. */
const MEMORY_MIB = process.env.BENCH_MEMORY_MIB ?? '4096';

const script = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function only(store: ObjectStore, prefix: string): Promise<ObjectInfo> {
  for await (const object of store.list(prefix)) return object;
  throw new Error(`nothing stands under ${prefix}`);
}

/**
 * A large drop through the job that cleans it and through what the features function does with it, each as a process:
 * time, and memory at its peak. Takes some minutes.
 */
export async function benchLargeDrop(): Promise<void> {
  await withFolder(async (folder) => {
    const root = join(folder, 'bucket');
    const key = 'drop/events/large.csv';
    await mkdir(join(root, 'drop', 'events'), { recursive: true });
    await writeBig(join(root, key), ROWS);
    const { size } = await stat(join(root, key));
    const store = await openFolderStore(root, { durable: false });
    await store.put('config/bench.json', canonicalJson(BIG_CONFIG));
    const keyFile = join(folder, 'pseudonym.key');
    await writeFile(keyFile, new Uint8Array(64).fill(7));
    const { seconds, peakRss } = await runMeasured(
      ['--import', import.meta.resolve('tsx'), script('../../containers/clean/main.ts')],
      {
        NIGHTJAR_STORE: root,
        NIGHTJAR_KEY_FILE: keyFile,
        NIGHTJAR_DROP: key,
        NIGHTJAR_CONFIG: 'config/bench.json',
        NIGHTJAR_MEMORY_MIB: MEMORY_MIB,
      },
    );
    for await (const { key: quality } of store.list('quality/')) {
      const { status, rowsIn } = JSON.parse(Buffer.from(await (await store.get(quality)).bytes()).toString());
      if (status !== 'clean' || rowsIn !== ROWS) throw new Error(`${status}, ${rowsIn} rows of ${ROWS}`);
    }
    const clean = await only(store, 'clean/');
    const days = await runMeasured(
      ['--import', import.meta.resolve('tsx'), script('./build-days.ts'), root, clean.key],
      {},
    );
    const row = (name: string, read: number, written: number, took: { seconds: number; peakRss: number }) => [
      name,
      whole(read / 1e6),
      whole(written / 1e6),
      took.seconds.toFixed(0),
      whole(ROWS / took.seconds),
      whole(took.peakRss / 1e6),
    ];
    printTable(
      `a large drop of ${whole(ROWS)} rows; its job is told that it has ${MEMORY_MIB} MiB (load ${load()})`,
      ['', 'read MB', 'written MB', 's', 'rows/s', 'peak MB'],
      [
        row('clean, a job', size, clean.size, { seconds, peakRss }),
        row('features', clean.size, (await only(store, 'days/')).size, days),
      ],
    );
  });
}
