import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../bin/home.ts';
import { emptyProject, install, pack } from '../package/project.ts';
import { runMeasured } from './measured.ts';
import { load, median, printTable, withFolder } from './support.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 7);
const CALLS = [['--version'], ['--help'], ['run', '--help']];

/** How long the command takes to start: as people install it, and in a checkout, where its sources are compiled as it runs. */
export async function benchStart(): Promise<void> {
  await withFolder(async (folder) => {
    const packed = await pack(folder);
    const project = await emptyProject();
    try {
      await install(project, [packed.manifest.name], packed);
      const programs = {
        installed: join(project, 'node_modules', packed.manifest.name, 'bin/nightjar.js'),
        checkout: join(ROOT, 'bin/nightjar.js'),
      };
      const rows: string[][] = [];
      for (const words of CALLS) {
        for (const [where, program] of Object.entries(programs)) {
          const runs = [];
          for (let run = 0; run < RUNS; run++) runs.push(await runMeasured([program, ...words], {}, folder));
          const seconds = runs.map((one) => one.seconds);
          rows.push([
            `${where}: nightjar ${words.join(' ')}`,
            median(seconds).toFixed(2),
            seconds.map((s) => s.toFixed(2)).join(' '),
          ]);
        }
      }
      printTable(`start of the command (load ${load()})`, ['', 'median s', 'all s'], rows);
    } finally {
      packed.registry.close();
      await rm(project, { recursive: true, force: true });
    }
  });
}
