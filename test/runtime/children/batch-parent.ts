import { join } from 'node:path';
import { openLocalBatch } from '../../../lib/runtime/index.ts';

/** A process that runs one job, to be killed. */

const [job = '', logs = ''] = process.argv.slice(2);
const batch = openLocalBatch({
  commands: {
    score: { command: process.execPath, args: ['--import', 'tsx', join(import.meta.dirname, job)] },
  },
  logs,
});
const id = await batch.submit({ name: 'endless', definition: 'score', environment: {}, attempts: 3 });
await batch.wait(id);
