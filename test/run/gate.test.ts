import { describe, expect, it } from 'vitest';
import { promote } from '../../lib/registry/index.ts';
import {
  buildManifest,
  type Missing,
  putManifest,
  type RunManifest,
  whyNotChampion,
} from '../../lib/run/index.ts';
import { openShop, shopConfig } from './kit.ts';

const GROUP = 'users';
const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `drop/log/${from + i}.csv`);

const manifestOf = (drops: readonly string[], more: Partial<RunManifest> = {}): RunManifest => {
  const empty = buildManifest({
    purpose: 'training',
    config: shopConfig(),
    asOf: '2025-01-15',
    groups: [],
    drops: [],
    champions: {},
    snapshot: null,
  });
  const events = drops.map((drop) => ({
    drop,
    dropId: drop,
    revision: '0',
    source: 'log',
    clean: 'clean/x',
  }));
  return { ...empty, inputs: { ...empty.inputs, events }, ...more };
};
const missing = (kind: Missing['kind'], keys: readonly string[]): Missing[] =>
  keys.map((key) => ({ kind, key, why: 'whatever' }));

describe('a model becomes champion', () => {
  /** A champion that was trained on forty drops. */
  async function champion() {
    const { store } = await openShop();
    const runId = await putManifest(store, manifestOf(names(0, 40)));
    await promote(store, GROUP, 'v1', { asOf: '2025-01-12', reason: 'first', runId });
    return (manifest: RunManifest) => whyNotChampion(store, manifest, GROUP);
  }

  it.each<[string, RunManifest]>([
    ['of the same drops', manifestOf(names(0, 40))],
    ['of more', manifestOf(names(0, 50))],
    ['without drops that are drops no more', manifestOf(names(30, 41))],
    ['without a few of many', manifestOf(names(1, 45), { missing: missing('pending', names(0, 1)) })],
    [
      'without drops that the champion did not have either',
      manifestOf(names(0, 40), { missing: missing('refused', names(40, 90)) }),
    ],
    [
      'of drops that stand under other keys now',
      manifestOf(names(40, 80), {
        copies: names(0, 40).map((key) => ({ key, sameAs: 'drop/log/40.csv' })),
      }),
    ],
  ])('%s', async (_, manifest) => {
    expect(await (await champion())(manifest)).toBeUndefined();
  });

  it.each<[string, RunManifest, RegExp]>([
    [
      'of one drop of forty',
      manifestOf(names(39, 40), { missing: missing('pending', names(0, 39)) }),
      /^it goes without 39 of the 40 drops .*\(drop\/log\/0\.csv\)$/,
    ],
    [
      'of others in their place',
      manifestOf(names(3, 90), { missing: missing('refused', names(0, 3)) }),
      /^it goes without 3 of the 40 drops/,
    ],
    ['of too little history', manifestOf(names(0, 40), { partial: 'too little' }), /^too little$/],
  ])('but not one %s', async (_, manifest, why) => {
    expect(await (await champion())(manifest)).toMatch(why);
  });

  it('where none serves, or it is not known what the one that serves was trained on', async () => {
    const { store } = await openShop();
    const few = manifestOf(names(39, 40), { missing: missing('pending', names(0, 39)) });
    expect(await whyNotChampion(store, few, GROUP)).toBeUndefined();
    await promote(store, GROUP, 'v1', { asOf: '2025-01-12', reason: 'of an earlier version' });
    expect(await whyNotChampion(store, few, GROUP)).toBeUndefined();
  });
});
