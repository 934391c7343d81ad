import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import type { ExportManifest } from '../../lib/export/index.ts';
import { findTraces, forget, personOf, type Receipt, receiptKey, subject } from '../../lib/forget/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import { ALL } from '../all.ts';
import { dropAll, hashOf, KEY, type Night, night, openShop, SLOW } from '../e2e/nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from '../e2e/shop.ts';
import { tracesOf } from './traces.ts';

const pseudonyms = createPseudonyms(KEY);
/** A customer of the log, by an id that stands nowhere by chance. */
const ID = 'zoe-4711-qx';
const ANONYMOUS = 'cookie-77-zq';
const mailOf = (id: string) => `${id.toLowerCase()}@shop.example`;
const ADDRESS = createHash('sha256').update(mailOf(ID)).digest('hex');
const WORDS = [ID, ANONYMOUS, pseudonyms.seal(ID), pseudonyms.seal(ANONYMOUS), ADDRESS];

const defaults = shopConfig();
const config = shopConfig({
  sources: {
    ...defaults.sources,
    people: {
      format: 'jsonl',
      table: 'users',
      columns: { user: 'id', email: 'mail' },
      attributes: { categories: { region: 'region' } },
    },
    logins: {
      format: 'csv',
      table: 'identities',
      columns: { user: 'customer', anonymous: 'cookie', time: 'at' },
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 10, k: 5 },
  },
  exports: {
    formats: ['parquet', 'csv.gz'],
    profiles: {},
    audiences: { likely: { task: 'purchase', top: 20 } },
  },
});

/** All that a call needs, over a store that may fail. */
async function inputOf(shop: Workspace, store: ObjectStore = shop.store) {
  const person = await personOf(store, pseudonyms, [ID]);
  return {
    ...{ store, config: shop.config, pseudonyms, person, retrainWithinDays: 30 },
    now: new Date('2025-03-12T08:00:00Z'),
    progress: () => {},
  };
}

async function look(shop: Workspace): Promise<Receipt> {
  return findTraces(await inputOf(shop));
}

async function forgetting(shop: Workspace, store?: ObjectStore): Promise<Receipt> {
  const input = await inputOf(shop, store);
  return forget(input, await findTraces(input));
}

/** Files are what the manifest says of them. */
async function checkExports({ store }: Workspace): Promise<ExportManifest> {
  const manifest = (await readJson<ExportManifest>(store, 'exports/current/manifest.json'))!;
  const { asOf, runId } = manifest;
  expect(await readJson(store, `exports/as_of=${asOf}/${runId}/manifest.json`)).toEqual(manifest);
  for (const { key, sha256 } of manifest.files) expect(await hashOf(store, key), key).toBe(sha256);
  return manifest;
}

async function filled(): Promise<Workspace> {
  const shop = await openShop(config);
  const log = shopLog(60).filter(({ day }) => day < AS_OF);
  const lines = log.map((line) => ({
    ...line,
    text: line.text.replace(/^"C-7",/, `"${ID}",`).replace(/^"C-8",(.*view)/, `"${ANONYMOUS}",$1`),
  }));
  // A row of the quarantine, and a line that cannot be read.
  const odd = `${ID},2025-03-03 10:00:00,purchase,sku-1,1,x9x,\n${ID},torn\n`;
  const files = [...weekly(lines)].map(([name, text], i): [string, string] => [
    name,
    i === 3 ? text + odd : text,
  ]);
  await dropAll(shop, files);
  const people = Array.from({ length: 60 }, (_, c) => {
    const id = c === 7 ? ID : `C-${c}`;
    return { id, mail: mailOf(id), region: c % 3 ? 'n' : 's' };
  });
  await shop.store.put('drop/people/all.jsonl', people.map((one) => `${JSON.stringify(one)}\n`).join(''));
  await shop.store.put(
    'drop/logins/all.csv',
    `customer,cookie,at\n${ID},${ANONYMOUS},2025-02-20 10:00:00\nC-9,cookie-9,2025-02-21 10:00:00\n`,
  );
  return shop;
}

const withoutThem = ({ scores }: Night) =>
  scores
    .flatMap(({ users, tasks }) => users.map((user, i) => [user, tasks.purchase!.logit[i]]))
    .filter(([user]) => !WORDS.includes(String(user)));

describe('a person who is forgotten', { timeout: SLOW }, () => {
  let shop: Workspace;
  let before: Night;
  let found: Receipt;

  beforeAll(async () => {
    shop = await filled();
    before = await night(shop, AS_OF);
  }, SLOW);

  it('is found in all that the shop sent and that was made of it, and nothing is changed by looking', async () => {
    // given
    const traces = await tracesOf(shop.store, WORDS);
    const prefixes = new Set(traces.map((key) => key.slice(0, key.indexOf('/'))));
    expect([...prefixes].sort()).toEqual(
      expect.arrayContaining(['clean', 'days', 'drop', 'exports', 'scores', 'snapshots']),
    );
    // a hashed address, too
    expect(await tracesOf(shop.store, [ADDRESS])).toContainEqual(
      expect.stringMatching(/^exports\/audiences\//),
    );
    // when
    found = await look(shop);
    // then
    expect(found.ids).toBe(2);
    expect(found.drops.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['drop/people/all.jsonl', 'drop/logins/all.csv']),
    );
    expect(await tracesOf(shop.store, WORDS)).toEqual(traces);
  });

  it('can be told all of it first', async () => {
    const person = await personOf(shop.store, pseudonyms, [ID]);
    const known = await subject({
      store: shop.store,
      config: shop.config,
      pseudonyms,
      person,
      progress: () => {},
    });
    expect(known.drops.flatMap(({ records }) => records).length).toBeGreaterThan(5);
    expect(new Set(known.objects.map(({ key }) => key.split('/')[0]))).toEqual(
      new Set(['clean', 'days', 'snapshots', 'scores']),
    );
    expect(JSON.stringify(known)).not.toContain('C-9');
  });

  it('leaves no trace but the hash of a receipt', async () => {
    // when
    const receipt = await forgetting(shop);
    // then
    expect(await tracesOf(shop.store, WORDS)).toEqual([]);
    expect(receipt.objects.filter(({ action }) => action === 'left')).toEqual([]);
    expect(receipt.models.length).toBeGreaterThan(0);
    expect(receipt.retrainBy).toBe('2025-04-11');
    expect(await readJson<Receipt>(shop.store, receiptKey(receipt.person))).toEqual(receipt);
    expect(receipt.done).toBe(true);
    // and: exports say what they hold
    const manifest = await checkExports(shop);
    const users = before.scores.flatMap((shard) => shard.users);
    expect(manifest.rows).toBe(users.filter((user) => !WORDS.includes(user)).length);
    // and: there is nothing more to do
    expect(await look(shop)).toMatchObject({ drops: [], objects: [] });
  });

  it('changes no score of anybody else', async () => {
    const after = await night(shop, AS_OF);
    expect(after.models).toEqual(before.models);
    expect(withoutThem(before).length).toBeGreaterThan(40);
    expect(withoutThem(after)).toEqual(withoutThem(before));
    expect(after.scores.flatMap(({ users }) => users).filter((user) => WORDS.includes(user))).toEqual([]);
  });

  it.runIf(ALL)('is forgotten as well where the command is killed again and again', async () => {
    // given
    const other = await filled();
    await night(other, AS_OF);
    let calls = 0;
    let deaths = 0;
    const dying = (after: number): ObjectStore => {
      const count = <T>(work: () => Promise<T>): Promise<T> => {
        if (++calls > after) throw new Error('killed');
        return work();
      };
      const { store } = other;
      return {
        get: (...args) => store.get(...args),
        head: (...args) => store.head(...args),
        list: (...args) => store.list(...args),
        put: (...args) => count(() => store.put(...args)),
        delete: (...args) => count(() => store.delete(...args)),
      };
    };
    // when: each call may write some times more than the last one did anew
    for (let writes = 1; ; writes += 1) {
      calls = 0;
      try {
        await forgetting(other, dying(writes));
        break;
      } catch (error) {
        expect((error as Error).message).toBe('killed');
        deaths += 1;
      }
    }
    // then
    expect(deaths).toBeGreaterThan(8);
    expect(await tracesOf(other.store, WORDS)).toEqual([]);
    // and: what it left says the same as where nobody was killed
    expect((await checkExports(other)).rows).toBe((await checkExports(shop)).rows);
    const { hash } = await personOf(other.store, pseudonyms, [ID]);
    const { drops, done } = (await readJson<Receipt>(other.store, receiptKey(hash)))!;
    expect(done).toBe(true);
    expect(drops.map((drop) => drop.key).sort()).toEqual(found.drops.map((drop) => drop.key).sort());
    const [first, second] = [await night(other, AS_OF), await night(shop, AS_OF)];
    expect(first.scores).toEqual(second.scores);
  });
});
