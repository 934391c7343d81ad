import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { formatDay, parseDay } from '../../../lib/data/index.ts';
import type { UsersModelManifest } from '../../../lib/models/index.ts';
import { trainUsers } from '../../../lib/models/users/train.ts';
import { openUsers, planRun } from '../../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, type Line, shopConfig, shopLog } from '../../e2e/shop.ts';

const log = shopLog().filter(({ day }) => day < AS_OF);
const HORIZON = 14;
const SHORT = 10;
/** The latest cut-off that a task is judged at. */
const LATEST = formatDay(parseDay(AS_OF) - SHORT);
const defaults = shopConfig();
const config = {
  ...defaults,
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: SHORT },
    churn: { kind: 'absence', event: 'purchase', activeDays: 30, horizonDays: HORIZON },
  },
  training: { ...defaults.training, cutoffEveryDays: 14 },
  model: { ...defaults.model, families: ['auto'] },
} satisfies ConfigInput;

interface Trained {
  readonly description: UsersModelManifest;
  readonly model: Uint8Array;
  /** Losses on the way, as they were told, until the choice was made. */
  readonly choosing: string[];
}

/** Trains on one drop of these lines. */
async function train(lines: readonly Line[]): Promise<Trained> {
  const workspace = await openShop(config);
  await dropAll(workspace, [['all.csv', file(lines)]]);
  const drops = await workspace.ingest(() => {});
  const { manifest } = await planRun({ ...workspace, drops, purpose: 'night', asOf: AS_OF });
  const told: string[] = [];
  const files = await trainUsers({
    store: workspace.store,
    manifest,
    users: async () => openUsers(workspace.store, manifest),
    group: manifest.groups[0]!,
    progress: (text) => told.push(text),
  });
  const chosen = told.findIndex((text) => text.startsWith('fitting'));
  expect(chosen).toBeGreaterThan(0);
  return {
    description: JSON.parse(new TextDecoder().decode(files['manifest.json'])),
    model: files['model.onnx']!,
    choosing: told.slice(0, chosen),
  };
}

let reference: Trained;

beforeAll(async () => {
  reference = await train(log);
}, SLOW);

describe('what is chosen at past cut-offs', { timeout: SLOW }, () => {
  it('is told, with the losses on the way', () => {
    for (const horizon of [SHORT, HORIZON]) {
      expect(reference.description.selection[0]).toContain(formatDay(parseDay(AS_OF) - horizon));
    }
    expect(reference.description.candidates.map(({ name }) => name)).toEqual([
      'recency alone',
      'frequency alone',
      'BG/NBD',
      'logistic regression, few features',
      'logistic regression',
      'logistic regression, overall scale',
      'boosted trees',
      'boosted trees, overall scale',
      // or with visits, where they help clearly
      expect.stringMatching(/^network/),
      'blend',
    ]);
    expect(reference.choosing.filter((text) => /loss \d/.test(text)).length).toBeGreaterThan(10);
    expect(reference.choosing.some((text) => text.includes(': pretraining'))).toBe(true);
  });

  it('depends on no item and no price from the cut-off on, in pretraining and vocabulary neither', async () => {
    // given: who bought on which days stays, so that the outcomes are the same
    let n = 0;
    const later = log.map((line) => {
      if (line.day < LATEST) return line;
      const [customer, at, what, , , , basket] = line.text.split(',');
      return { ...line, text: [customer, at, what, `new-${n++ % 7}`, 3, 250 + (n % 90), basket].join() };
    });
    // when
    const other = await train(later);
    // then
    expect(other.choosing).toEqual(reference.choosing);
    expect(other.description.candidates).toEqual(reference.description.candidates);
    expect(other.description.selection).toEqual(reference.description.selection);
    expect(Buffer.from(other.model).equals(reference.model)).toBe(false);
  });

  it('is fitted on no outcome from the cut-off on', async () => {
    // given: after the cut-off nobody bought anything
    const nothing = log.filter(({ day, text }) => day < LATEST || !text.includes(',purchase,'));
    // when
    const other = await train(nothing);
    // then: only the judgement of the candidates changes
    expect(other.choosing).toEqual(reference.choosing);
    expect(other.description.candidates).not.toEqual(reference.description.candidates);
  });
});
