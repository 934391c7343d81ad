import { beforeAll, describe, expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../../lib/config/index.ts';
import { formatDay, parseDay } from '../../../lib/data/index.ts';
import { decodeSafetensors, encodeSafetensors, float32 } from '../../../lib/engine/host/index.ts';
import { CANDIDATES, type Candidate } from '../../../lib/models/candidates/index.ts';
import { type MadeBehaviour, pretrainBehaviour, type UsersModelManifest } from '../../../lib/models/index.ts';
import { eachUser } from '../../../lib/models/shared/index.ts';
import { readBehaviour } from '../../../lib/models/users/behaviour.ts';
import { openUsersScorer } from '../../../lib/models/users/score.ts';
import { usersTrials } from '../../../lib/models/users/select.ts';
import { trainUsers } from '../../../lib/models/users/train.ts';
import { openUsers, planRun } from '../../../lib/run/index.ts';
import { openFolderStore } from '../../../lib/runtime/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, type Line, shopConfig, shopLog } from '../../e2e/shop.ts';
import { temporaryFolder } from '../../runtime/temp.ts';

const log = shopLog(60);
const DAY = formatDay(parseDay(AS_OF) - 10);
const defaults = shopConfig();
const config = {
  ...defaults,
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
  model: { ...defaults.model, families: ['network'] },
} satisfies ConfigInput;

async function shopOf(lines: readonly Line[], settings: ConfigInput = config) {
  const workspace = await openShop(settings);
  await dropAll(workspace, [['all.csv', file(lines)]]);
  const drops = await workspace.ingest(() => {});
  const { manifest } = await planRun({ ...workspace, drops, purpose: 'night', asOf: AS_OF });
  const { store } = workspace;
  const users = openUsers(store, manifest);
  const group = manifest.groups[0]!;
  return { store, manifest, users, group };
}

async function pretrained(lines: readonly Line[]): Promise<MadeBehaviour> {
  const { users, manifest } = await shopOf(lines);
  const options = { day: parseDay(DAY), steps: 12, seed: 1, threads: 1, progress: () => {} };
  return pretrainBehaviour(users, manifest.config, options);
}

let made: MadeBehaviour;

beforeAll(async () => {
  made = await pretrained(log);
}, SLOW);

describe('an encoder of visits that other shops can bring', { timeout: SLOW }, () => {
  it('holds no item and no user of the shop', async () => {
    // given
    const { users } = await shopOf(log);
    const names = new Set<string>();
    for await (const { user, items } of eachUser(users, parseDay(AS_OF))) {
      names.add(user.user);
      for (let id = 0; id < items.size; id++) names.add(items.text(id));
    }
    expect(names.size).toBeGreaterThan(60);
    // then
    for (const bytes of Object.values(made.files)) {
      const text = Buffer.from(bytes).toString('latin1');
      expect([...names].filter((name) => text.includes(name))).toEqual([]);
    }
  });

  it('says what it is and what it was made from', () => {
    const about = JSON.parse(new TextDecoder().decode(made.files['behaviour.json']));
    expect(about).toMatchObject({
      kind: 'behaviour',
      shape: { reader: 'transformer', width: 16, layers: 1, heads: 2 },
      madeFrom: { shop: 'Corner shop', asOf: DAY, users: made.users, visits: made.visits },
      steps: 12,
    });
    expect(about.madeFrom.events).toContain('purchase');
    expect(about.curve.length).toBeGreaterThan(5);
  });

  it('is the same whatever happens from the day on', async () => {
    const before = log.filter(({ day }) => day < DAY);
    const other = await pretrained(before);
    for (const [name, bytes] of Object.entries(made.files)) {
      expect(Buffer.from(bytes).equals(Buffer.from(other.files[name]!))).toBe(true);
    }
  });

  it('needs users with two visits, and layers that read them', async () => {
    const { users, manifest } = await shopOf(log);
    const options = { steps: 1, seed: 1, threads: 1, progress: () => {} };
    await expect(
      pretrainBehaviour(users, manifest.config, { ...options, day: parseDay('2020-01-01') }),
    ).rejects.toThrow('nobody has two visits before 2020-01-01');
    const flat = { ...manifest.config, model: { ...manifest.config.model, layers: 0 } };
    await expect(pretrainBehaviour(users, flat, { ...options, day: parseDay(DAY) })).rejects.toThrow(
      'model.layers is 0',
    );
  });
});

describe('a shop that brings one', { timeout: SLOW }, () => {
  /** Goes on from what was brought: the only form of network that there is to choose. */
  const brought = CANDIDATES.filter(({ name }) => name === 'network + visits (brought)').map(
    (one): Candidate => ({
      name: one.name,
      reads: one.reads,
      applies: (material, judged) => one.applies(material, judged),
      fit: (material, earlier) => one.fit(material, earlier),
    }),
  );

  it('tries it, and scores with it as it was trained', async () => {
    // given
    const named = { ...config, model: { ...config.model, behaviour: 'corner' } };
    const { store, manifest, users, group } = await shopOf(log, named);
    for (const [name, bytes] of Object.entries(made.files)) {
      await store.put(`models/behaviours/corner/${name}`, bytes);
    }
    const context = { store, manifest, group, users: async () => users, progress: () => {} };
    // when
    const files = await trainUsers(context, brought);
    const description = JSON.parse(new TextDecoder().decode(files['manifest.json'])) as UsersModelManifest;
    // then
    expect(description.comparison!.candidates.map(({ name }) => name)).toContain(
      'network + visits (brought)',
    );
    expect(description.comparison!.candidates[0]!.reads).toEqual(['features', 'visits (encoder brought)']);
    expect(description.sequence!.vocabulary.classes).toBe(10);
    expect(description.pretraining.length).toBeGreaterThan(0);
    // and it scores
    const scorer = await openUsersScorer(files, { store, runId: 'any', manifest, group, threads: 1 });
    const { tasks } = await scorer.score(await users.read(0, parseDay(AS_OF)), 0);
    await scorer.close();
    const known = [...tasks!.purchase!.probability].filter((p) => !Number.isNaN(p));
    expect(known.length).toBeGreaterThan(10);
    expect(new Set(known).size).toBeGreaterThan(5);
  });

  it('is tried beside the others: what they say is what they say without it', async () => {
    const named = { ...config, model: { ...config.model, behaviour: 'corner' } };
    const said = async (settings: ConfigInput) => {
      const { store, manifest, users, group } = await shopOf(log, settings);
      for (const [name, bytes] of Object.entries(made.files)) {
        await store.put(`models/behaviours/corner/${name}`, bytes);
      }
      const context = { store, manifest, group, users: async () => users, progress: () => {} };
      const { trials } = await usersTrials(
        { ...context, task: 'purchase', days: [parseDay(DAY)] },
        CANDIDATES,
      );
      return new Map([...trials[0]!.logits].map(([{ name }, logits]) => [name, logits]));
    };
    const [without, beside] = [await said(config), await said(named)];
    expect(without.has('network + visits (brought)')).toBe(false);
    expect(beside.get('network + visits')).toEqual(without.get('network + visits'));
    expect(beside.get('network + visits (brought)')).not.toEqual(beside.get('network + visits'));
  });
});

describe('files that are no such encoder', { timeout: SLOW }, () => {
  const about = () => JSON.parse(new TextDecoder().decode(made.files['behaviour.json']));
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const changed = (change: (tensors: ReturnType<typeof decodeSafetensors>['tensors']) => void) => {
    const { tensors } = decodeSafetensors(made.files['encoder.safetensors']!);
    change(tensors);
    return encodeSafetensors(tensors);
  };

  it.each<[string, () => Record<string, Uint8Array | undefined>, string]>([
    [
      'none at all',
      () => ({ 'behaviour.json': undefined }),
      'there is no models/behaviours/x/behaviour.json, which model.behaviour "x" asks for',
    ],
    [
      'no parameters',
      () => ({ 'encoder.safetensors': undefined }),
      'there is no models/behaviours/x/encoder',
    ],
    ['no JSON', () => ({ 'behaviour.json': json('x').subarray(1) }), 'it is no JSON'],
    [
      'another kind',
      () => ({ 'behaviour.json': json({ ...about(), kind: 'text' }) }),
      'behaviour.json is not what',
    ],
    [
      'another version',
      () => ({ 'behaviour.json': json({ ...about(), visits: 99 }) }),
      'visits are of version 99',
    ],
    [
      'another table',
      () => ({ 'behaviour.json': json({ ...about(), shape: { ...about().shape, ids: 70 } }) }),
      'its table has 70 ids, and 81 are expected',
    ],
    [
      'heads that do not divide the width',
      () => ({ 'behaviour.json': json({ ...about(), shape: { ...about().shape, heads: 3 } }) }),
      'width 16 is no multiple of heads, 3',
    ],
    [
      'another width than that of the parameters',
      () => ({ 'behaviour.json': json({ ...about(), shape: { ...about().shape, width: 8 } }) }),
      'is float32 [81, 16], and float32 [81, 8] is expected',
    ],
    [
      'no safetensors',
      () => ({ 'encoder.safetensors': json('x') }),
      'a safetensors file has at least 8 bytes',
    ],
    [
      'a missing tensor',
      () => ({ 'encoder.safetensors': changed((tensors) => delete tensors['encoder.norm.scale']) }),
      'the tensor encoder.norm.scale is missing',
    ],
    [
      'a tensor too many',
      () => ({
        'encoder.safetensors': changed((tensors) => {
          tensors.extra = float32(new Float32Array(1), [1]);
        }),
      }),
      'it has a tensor extra',
    ],
    [
      'a number that is none',
      () => ({
        'encoder.safetensors': changed((tensors) => {
          tensors['tokens.table']!.data[5] = Number.NaN;
        }),
      }),
      'the tensor tokens.table holds NaN at place 5',
    ],
  ])('%s', async (_, damage, message) => {
    const store = await openFolderStore(await temporaryFolder(), { durable: false });
    for (const [name, bytes] of Object.entries({ ...made.files, ...damage() })) {
      if (bytes) await store.put(`models/behaviours/x/${name}`, bytes);
    }
    await expect(readBehaviour(store, 'x')).rejects.toThrow(message);
  });

  it('a config that reads no visits has no use for one', () => {
    expect(() => parseConfig({ ...config, model: { layers: 0, behaviour: 'x' } })).toThrow(
      /model\.layers.*at least 1 with model\.behaviour/s,
    );
  });
});
