import { once } from 'node:events';
import { NightjarError } from '../../../lib/data/index.ts';
import { runJob } from '../../../lib/run/job.ts';
import { StoreError } from '../../../lib/runtime/index.ts';

// A job that does what the test names: it waits for its signal and then gives up or finishes, waits for ever, or fails.
const [how] = process.argv.slice(2);

await runJob(
  'score',
  async ({ store, runId, progress, signal }) => {
    await store.put(`runs/${runId}/seen.txt`, 'seen');
    if (how === 'fails') throw new NightjarError('the data is not as expected');
    if (how === 'finds its store away') {
      const cause = Object.assign(new Error('Please reduce your request rate.'), { name: 'SlowDown' });
      throw new StoreError('runs/r1/manifest.json cannot be read: SlowDown', { cause });
    }
    if (how === 'breaks') throw new TypeError('a fault');
    progress('waiting');
    const alive = setInterval(() => {}, 1000);
    await (how === 'waits for ever' ? new Promise(() => {}) : once(signal, 'abort'));
    clearInterval(alive);
    if (how === 'gives up') throw new NightjarError('stopped between two steps');
  },
  { onTerminate: how === 'waits for ever' ? 'exit' : 'signal' },
);
