import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig, usersText } from '../../../lib/config/index.ts';
import { createPseudonyms, EVENT_TYPES, parseDay } from '../../../lib/data/index.ts';
import { type TextEncoderModel, textEncoder } from '../../../lib/engine/text/index.ts';
import { readShardDays } from '../../../lib/features/index.ts';
import { ageBucket, TEXT_FIELDS } from '../../../lib/models/candidates/network/texts/read.ts';
import { TextVectors, vectorsGraph } from '../../../lib/models/candidates/network/texts/vectors.ts';
import { readEncoder, tokenizerOf } from '../../../lib/models/shared/index.ts';
import { openTexts, TextNumbers, textPlaces, textsBefore } from '../../../lib/models/users/texts.ts';
import { dayInputs, openUsers, planRun, type RunManifest } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { dropAll, KEY, openShop, SLOW } from '../../e2e/nights.ts';
import { shopTexts, smallEncoder } from '../candidates/network/text-shop.ts';
import { textConfig } from './text-log.ts';

/** Events whose text is no title, and a product list that changes. */
const config = textConfig({
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: { user: 'customer', time: 'at', type: 'what', item: `nullif(sku, '')`, text: 'words' },
    },
    products: {
      format: 'csv',
      table: 'items',
      columns: { item: 'sku', valid_from: 'since' },
      attributes: { texts: ['title', 'about'] },
    },
  },
  text: { encoder: 'none', recent: 3, days: 30 },
});

const LOG = `at,customer,what,sku,words
2025-01-02 10:00:00,ann,message,,too old to count
2025-02-01 10:00:00,ann,search,,oak table
2025-02-03 09:00:00,ann,view,t1,
2025-02-03 11:00:00,ann,search,,oak table
2025-02-04 08:00:00,ann,review,t1,lovely
2025-02-04 08:00:00,ann,message,,lovely
2025-02-05 08:00:00,ann,purchase,t2,
2025-02-05 09:00:00,ann,purchase,t9,
2025-02-06 10:00:00,ann,message,,from the day itself
2025-02-03 10:00:00,bob,view,t2,
`;
/** The same moment told twice, in another file. */
const AGAIN = `at,customer,what,sku,words
2025-02-03 11:00:00,ann,search,,oak table
`;
const PRODUCTS = `sku,since,title,about
t1,2025-01-01,Oak table,solid
t2,2025-01-01,Lamp,
t2,2025-02-05,Brass lamp,with shade
t3,2025-03-01,Not known yet,
`;

let store: ObjectStore;
let manifest: RunManifest;

beforeAll(async () => {
  const shop = await openShop(config);
  store = shop.store;
  await dropAll(shop, [
    ['a.csv', LOG],
    ['b.csv', AGAIN],
  ]);
  await store.put('drop/products/list.csv', PRODUCTS);
  const drops = await shop.ingest(() => {});
  manifest = (await planRun({ ...shop, drops, purpose: 'night', asOf: '2025-02-10' })).manifest;
}, SLOW);

/** What a user's row says on a day, in words. */
async function rowOf(customer: string, on: string): Promise<string[]> {
  const day = parseDay(on);
  const texts = await openTexts(store, manifest, manifest.config.text!);
  const numbers = new TextNumbers();
  const places = textPlaces(manifest.config, manifest.config.text!);
  const out = new Int32Array(places * TEXT_FIELDS).fill(-1);
  const sealed = createPseudonyms(KEY).seal(customer);
  for (let shard = 0; shard < manifest.shards; shard++) {
    const users = await readShardDays({
      store,
      config: manifest.config,
      inputs: dayInputs(manifest),
      shard,
      shards: manifest.shards,
      before: parseDay('2025-02-10'),
    });
    const writer = await texts.shard(shard, numbers, users.items, { from: day, before: day });
    for (const user of users) {
      if (user.user !== sealed) continue;
      user.advance(day);
      writer.write(user, day, out, 0);
    }
  }
  const types = EVENT_TYPES.length;
  return Array.from({ length: places }, (_, i) => {
    const [number, kind, age] = out.subarray(i * TEXT_FIELDS, (i + 1) * TEXT_FIELDS);
    if (number === 0) return '';
    const of = kind! < types ? EVENT_TYPES[kind!] : `title ${EVENT_TYPES[kind! - types]}`;
    return `${of} ${age}: ${numbers.texts[number! - 1]}`;
  });
}

describe('the recent texts of a user', { timeout: SLOW }, () => {
  it('are those before the day, the latest first, each once, and titles as they were known then', async () => {
    // when
    const row = await rowOf('ann', '2025-02-06');
    // then: three places for texts of events, three for titles; t9 has none
    expect(row).toEqual([
      `message ${ageBucket(2)}: lovely`,
      `review ${ageBucket(2)}: lovely`,
      `search ${ageBucket(3)}: oak table`,
      `title purchase ${ageBucket(1)}: Brass lamp with shade`,
      `title review ${ageBucket(2)}: Oak table solid`,
      `title view ${ageBucket(3)}: Oak table solid`,
    ]);
  });

  it('know nothing of that day or later, and titles as they were then', async () => {
    expect(await rowOf('ann', '2025-02-03')).toEqual([
      `search ${ageBucket(2)}: oak table`,
      '',
      '',
      '',
      '',
      '',
    ]);
    expect(await rowOf('bob', '2025-02-04')).toEqual([
      '',
      '',
      '',
      `title view ${ageBucket(1)}: Lamp`,
      '',
      '',
    ]);
  });

  it('are not older than the setting says', async () => {
    const row = await rowOf('ann', '2025-02-01');
    expect(row[0]).toBe(`message ${ageBucket(30)}: too old to count`);
    expect(await rowOf('ann', '2025-02-02')).toEqual([
      `search ${ageBucket(1)}: oak table`,
      '',
      '',
      '',
      '',
      '',
    ]);
  });

  it('an encoder is made from are distinct, sorted, and all from before the day', async () => {
    const at = (day: string) =>
      textsBefore(store, manifest, openUsers(store, manifest).shards, parseDay(day), parseDay('2025-01-01'));
    expect(await at('2025-02-04')).toEqual(['Lamp', 'Oak table solid', 'oak table', 'too old to count']);
    expect(await at('2025-02-07')).toContain('from the day itself');
    expect(await at('2025-02-07')).toContain('Brass lamp with shade');
    expect(await at('2025-02-07')).not.toContain('Not known yet');
  });
});

describe('an encoder that a shop brings', { timeout: SLOW }, () => {
  const { encoder, files } = smallEncoder(shopTexts(200));
  const some = shopTexts(5);
  const vectorsOf = async ({
    graph,
    tokenizer,
  }: Pick<TextEncoderModel, 'graph' | 'tokenizer' | 'hidden'>) => {
    const own = textEncoder(graph, tokenizer, { max_position_embeddings: 24 });
    const vectors = new TextVectors(vectorsGraph(own), tokenizer, { maxLength: 24, threads: 1 });
    try {
      return await vectors.of(some);
    } finally {
      await vectors.close();
    }
  };

  it('is read from its folder in the bucket', async () => {
    // given: as hubs publish it
    const { 'model.onnx': model, ...rest } = files;
    const { store } = await openShop(textConfig());
    await store.put('models/encoders/mine/onnx/model.onnx', model!);
    for (const [name, bytes] of Object.entries(rest)) await store.put(`models/encoders/mine/${name}`, bytes);
    // when
    const read = await readEncoder(store, 'mine');
    // then
    expect(await vectorsOf(read.encoder)).toEqual(await vectorsOf(encoder));
    expect(Object.keys(read.files).sort()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    expect(tokenizerOf(read.files).size).toBe(encoder.tokenizer.size);
  });

  it('is asked for where it is not there', async () => {
    const { store } = await openShop(textConfig());
    await expect(readEncoder(store, 'other')).rejects.toThrow(
      /no models\/encoders\/other\/model\.onnx, which text\.encoder "other" asks for: copy/,
    );
  });
});

describe('the setting text', () => {
  it('asks for something to read, and heads that divide the width', () => {
    const shop = { shop: { timeZone: 'UTC' }, tasks: {} };
    expect(() => parseConfig({ ...shop, sources: {}, text: {} })).toThrow(/text: .*column "text"/);
    expect(() => parseConfig({ ...config, text: { encoder: { width: 10, heads: 4 } } })).toThrow(
      /text\.encoder\.heads: given 4, expected a divisor of text\.encoder\.width, which is 10/,
    );
    expect(usersText(parseConfig({ ...config, text: {} }).text!)).toMatchObject({
      encoder: { layers: 2, width: 64 },
      maxLength: 64,
    });
  });
});
