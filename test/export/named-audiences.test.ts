import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { getBytes, type ObjectStore } from '../../lib/runtime/index.ts';
import { withStore } from '../features/shop.ts';
import { KEY, madeUpUsers, putScored, type ScoredUser } from './scored.ts';

const AUDIENCES = {
  likely: { task: 'purchase', top: 25 },
  sure: { task: 'churn', above: 0.9 },
  nobody: { task: 'churn', above: 0.999_999 },
};

const exported = async (store: ObjectStore, users: readonly ScoredUser[]) => {
  const runId = await putScored(store, users, { audiences: AUDIENCES });
  const pseudonyms = createPseudonyms(KEY);
  return exportRun({ store, runId, pseudonyms, now: () => new Date(0), progress: () => {} });
};

const chance = ({ logits }: ScoredUser, task: 'churn' | 'purchase') => 1 / (1 + Math.exp(-logits[task]));

/** What an audience must hold, worked out from the users. */
const expected = (users: readonly ScoredUser[], task: 'churn' | 'purchase') =>
  users
    .filter(({ logits }) => !Number.isNaN(logits[task]))
    .sort((a, b) => chance(b, task) - chance(a, task) || (a.pseudonym < b.pseudonym ? -1 : 1));

it('named audiences hold the likeliest users, equal ones by pseudonym, whatever order scores came in', async () => {
  // given
  const users = madeUpUsers().filter(({ id }) => /^c\d+$/.test(id));
  await withStore(async (store) => {
    // when
    const { files, audiences = [] } = await exported(store, users);
    // then
    const [likely, nobody, sure] = audiences;
    const first = expected(users, 'purchase').slice(0, 25);
    expect(likely).toMatchObject({
      ...{ name: 'likely', task: 'purchase', users: 25 },
      controlUsers: first.filter(({ control }) => control).length,
      lowest: chance(first.at(-1)!, 'purchase'),
    });
    expect(sure!.users).toBe(users.filter((user) => chance(user, 'churn') > 0.9).length);
    // and: who is in none is told, and there is no empty file
    expect(nobody).toMatchObject({
      users: 0,
      why: expect.stringContaining("nobody's probability is above 0.999999"),
    });
    const named = files.filter(({ table }) => table.startsWith('audiences/'));
    expect(named.map(({ key }) => key.replace(/as_of=.*\//, '…/'))).toEqual([
      'exports/audiences/likely/parquet/…/likely.parquet',
      'exports/audiences/likely/csv/…/likely.csv.gz',
      'exports/audiences/sure/parquet/…/sure.parquet',
      'exports/audiences/sure/csv/…/sure.csv.gz',
    ]);
    const csv = named.find(({ key }) => key.endsWith('likely.csv.gz'))!;
    const [head, ...rows] = gunzipSync((await getBytes(store, csv.key))!)
      .toString()
      .trimEnd()
      .split('\n');
    expect(head).toBe('rank,user_id,as_of_day,probability,control');
    expect(rows).toEqual(
      first.map((user, i) => `${i + 1},${user.id},2024-10-04,${chance(user, 'purchase')},${user.control}`),
    );
    // and: the same bytes once more
    await withStore(async (other) => {
      const again = await exported(other, [...users].reverse());
      expect(again.files).toEqual(files);
    });
  });
});
