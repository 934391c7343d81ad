import { expect, it } from 'vitest';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { type StageRequests, stageRequests } from './stage-requests.ts';

/** Days of drops behind a shop. */
const DROPS = [30, 300, 3000];

it('the requests of a training and of a night do not grow with the drops of the past', async () => {
  // given shops with a drop a day for weeks, months and years
  const counts: StageRequests[] = [];
  for (const drops of DROPS) {
    const store = await openFolderStore(await temporaryFolder(), { durable: false });
    counts.push(await stageRequests(store, drops));
  }
  // then a night that goes on from states makes the same requests, however long the history is
  console.table(counts);
  for (const { score, export: exported } of counts) {
    expect(score).toBe(counts[0]!.score);
    expect(exported).toBe(counts[0]!.export);
  }
  // and a training makes two for each month, or year where it is long ago, and for each drop that is not packed yet
  for (const { drops, firstTraining, training } of counts) {
    const months = Math.min(25, Math.ceil(drops / 28) + 1);
    const years = Math.ceil(drops / 365);
    // Some twenty are of the comparison with the champion.
    expect(training).toBeLessThan(90 + 2 * (months + years));
    // The first reads and packs every drop.
    expect(firstTraining).toBeLessThan(60 + 3 * drops + 4 * (months + years));
  }
}, 600_000);
