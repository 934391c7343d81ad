import { beforeEach, describe, expect, it } from 'vitest';
import {
  championOf,
  championsOf,
  promote,
  promoteByHand,
  putModel,
  rollBack,
} from '../../lib/registry/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const GROUP = 'users-1';
let store: ObjectStore;
let versions: string[];

/** Three versions, trained a week apart; the second serves, and the first did before. */
beforeEach(async () => {
  store = await openFolderStore(await temporaryFolder());
  versions = [];
  for (const name of ['a', 'b', 'c']) {
    versions.push(await putModel(store, GROUP, { 'manifest.json': new TextEncoder().encode(`"${name}"`) }));
  }
  await promote(store, GROUP, versions[0]!, { asOf: '2025-01-05', reason: 'first', runId: 'one' });
  await promote(store, GROUP, versions[1]!, { asOf: '2025-01-12', reason: 'second', runId: 'two' });
});

const third = { asOf: '2025-01-19', reason: 'third' };

describe('champions', () => {
  it('are on record with those before', async () => {
    expect(await championsOf(store, GROUP)).toEqual({
      champions: [
        { version: versions[1], asOf: '2025-01-12', reason: 'second', runId: 'two' },
        { version: versions[0], asOf: '2025-01-05', reason: 'first', runId: 'one' },
      ],
      withdrawn: [],
    });
  });

  it('are not replaced by what was compared with somebody else', async () => {
    expect(await promote(store, GROUP, versions[2]!, third, versions[0])).toBe(false);
    expect(await championOf(store, GROUP)).toBe(versions[1]);
    expect(await promote(store, GROUP, versions[2]!, third, versions[1])).toBe(true);
    expect(await championOf(store, GROUP)).toBe(versions[2]);
  });

  it('let one of two trainings at once win', async () => {
    const other = await putModel(store, GROUP, { 'manifest.json': new TextEncoder().encode('"d"') });
    const won = await Promise.all(
      [versions[2]!, other].map((version) => promote(store, GROUP, version, third, versions[1])),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  it('are taken back one by one, and do not come again by themselves', async () => {
    await promote(store, GROUP, versions[2]!, third);
    expect(await rollBack(store, GROUP, 'odd')).toMatchObject({ version: versions[1] });
    expect(await promote(store, GROUP, versions[2]!, third)).toBe(false);
    expect(await rollBack(store, GROUP, 'odd, too')).toEqual({
      version: versions[0],
      asOf: '2025-01-05',
      reason: `${versions[1]} was taken back: odd, too`,
      runId: 'one',
    });
    await expect(rollBack(store, GROUP, 'all')).rejects.toThrow(/no other version of users-1 served before/);
    // A person may say otherwise.
    await promoteByHand(store, GROUP, { version: versions[2]!, asOf: '2025-01-19', reason: 'by hand' });
    expect(await championOf(store, GROUP)).toBe(versions[2]);
    expect((await championsOf(store, GROUP)).withdrawn).toEqual([versions[1]]);
  });

  it('must stand', async () => {
    const none = { version: '000000000000', asOf: null, reason: 'by hand' };
    await expect(promoteByHand(store, GROUP, none)).rejects.toThrow(/has no version 000000000000/);
    await expect(rollBack(store, 'other', 'odd')).rejects.toThrow(/nobody serves other yet/);
  });
});
