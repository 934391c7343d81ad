import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../bin/build/bundle.ts';
import { runMeasured } from './measured.ts';
import { load, printTable, whole, withFolder } from './support.ts';

const SIZES = (process.env.BENCH_DROPS ?? '1000,30000,300000,1000000').split(',').map(Number);

const CALLS = {
  cold: 'the first of a process',
  quiet: 'nothing new',
  new: '500 new drops, all through',
  changed: 'the settings of the source changed',
  night: 'starts the night',
} as const;

/**
 * What a call of the tick takes as drops grow, each in a process of its own: the drops lie in a bucket that answers at once,
 * so the seconds are those of the processor.
 */
export async function benchDispatch(): Promise<void> {
  const rows: string[][] = [];
  for (const drops of SIZES) {
    await withFolder(async (folder) => {
      // As the function is: one file, without what nobody uses.
      const script = join(folder, 'tick.mjs');
      await writeFile(script, await bundle('test/bench/dispatch-tick', []));
      const run = (what: string) => runMeasured([script, join(folder, 'store'), String(drops), what], {});
      await run('grow');
      const { peakRss: before } = await run('nothing');
      for (const [what, title] of Object.entries(CALLS)) {
        const { output, peakRss } = await run(what);
        const told: { seconds: number; cpu: number; get: number; put: number; head: number; list: number } =
          JSON.parse(output.trim().split('\n').at(-1)!);
        const { seconds, cpu, get, put, head, list } = told;
        rows.push([
          `${whole(drops)}: ${title}`,
          seconds.toFixed(2),
          cpu.toFixed(2),
          (peakRss / 2 ** 20).toFixed(0),
          ((peakRss - before) / 2 ** 20).toFixed(0),
          whole(list),
          whole(get + head),
          whole(put),
          whole(list + get + head + put),
        ]);
      }
    });
  }
  printTable(
    `a call of the tick, by drops in the bucket (load ${load()})`,
    ['drops', 's', 'cpu s', 'peak MiB', 'above an empty call', 'lists', 'reads', 'writes', 'requests'],
    rows,
  );
}
