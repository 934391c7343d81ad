import { describe, expect, it } from 'vitest';
import { createRng } from '../../lib/engine/host/index.ts';
import { anomalies, fileSample, fitAnomaly } from '../../lib/export/profiles/anomaly.ts';
import { type ProfileColumns, TRAITS } from '../../lib/score/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

interface Buyer {
  readonly hash: number;
  readonly traits: readonly number[];
}

const rng = createRng('buyers');
const RETURNED = TRAITS.findIndex(({ name }) => name === 'returned_lines');
const NIGHT = TRAITS.findIndex(({ name }) => name === 'at_night');
const ordinary = (): number[] =>
  TRAITS.map((_, t) => (t === RETURNED || t === NIGHT ? 0.1 * rng.uniform() : 3 + rng.normal()));

/** A thousand ordinary buyers, of whom some bring everything back; they differ in nothing else. */
const buyers: Buyer[] = Array.from({ length: 1000 }, (_, i) => {
  const traits = ordinary();
  if (i % 100 === 0) traits[RETURNED] = 0.85;
  return { hash: rng.word(), traits };
});

const columnsOf = (rows: readonly Buyer[], bought = 1) =>
  ({
    rows: rows.length,
    hashes: Uint32Array.from(rows, ({ hash }) => hash),
    purchaseDays: new Float64Array(rows.length).fill(bought),
    traits: TRAITS.map((_, t) => Float64Array.from(rows, ({ traits }) => traits[t]!)),
  }) as unknown as ProfileColumns;

async function modelOf(shards: readonly (readonly Buyer[])[], bought = 1) {
  const folder = await temporaryFolder();
  for (const [shard, rows] of shards.entries()) await fileSample(folder, shard, columnsOf(rows, bought));
  return fitAnomaly(folder, shards.length);
}

describe('anomalies', () => {
  it('are those who bring everything back, and that is why', async () => {
    const model = await modelOf([buyers]);
    const anomalyOf = anomalies(model, 2)!;
    const told = buyers.map(({ traits }) => anomalyOf(Float64Array.from(traits)));
    const abusers = told.filter((_, i) => i % 100 === 0);
    // then they lead the list, and nothing else explains most of them
    const tenth = told.map(({ score }) => score).sort((a, b) => b - a)[49]!;
    expect(abusers.filter(({ score }) => score >= tenth)).toHaveLength(abusers.length);
    for (const { score, reasons } of abusers) {
      expect(score).toBeGreaterThan(0.5);
      const named: { name: string; value: number }[] = JSON.parse(reasons!);
      expect(named.length).toBeLessThanOrEqual(2);
      expect(named[0]!.name).toBe('share of lines returned');
      expect(named[0]!.value).toBeGreaterThan(0);
    }
    expect(told.filter(({ score }) => score <= 0.5).every(({ reasons }) => reasons === null)).toBe(true);
  });

  it('do not depend on how users are cut into shards', async () => {
    const sorted = [...buyers].sort((a, b) => a.hash - b.hash);
    const half = sorted.findIndex(({ hash }) => hash >= 2 ** 31);
    expect(await modelOf([sorted.slice(0, half), sorted.slice(half)])).toEqual(await modelOf([sorted]));
  });

  it('are of buyers alone, and of enough of them', async () => {
    expect((await modelOf([buyers], 0)).forest).toBeNull();
    const few = await modelOf([buyers.slice(0, 49)]);
    expect(anomalies(few, 3)).toBeUndefined();
    const alike = Array.from({ length: 60 }, (_, hash) => ({ hash, traits: TRAITS.map(() => 1) }));
    expect((await modelOf([alike])).forest).toBeNull();
  });
});
