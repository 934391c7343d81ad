import type { QualityReport } from '../report/index.ts';
import { type DropState, identityCounts, type RunManifest, replacedCounts } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** What became of the rows of the drops that a run lists, and of the drops that were refused. */
export async function qualityReport(
  store: ObjectStore,
  manifest: RunManifest,
  drops: readonly DropState[],
  days: QualityReport['days'],
): Promise<QualityReport> {
  const listed = new Set(Object.values(manifest.inputs).flatMap((inputs) => inputs.map(({ drop }) => drop)));
  const done = drops.flatMap((drop) => (drop.state === 'done' && listed.has(drop.key) ? drop.quality : []));
  const refused = drops.flatMap((drop) =>
    drop.state === 'refused' ? { key: drop.key, reason: drop.quality.refused.reason } : [],
  );
  const reasons = new Map<string, number>();
  const flags = new Map<string, number>();
  for (const { quarantined, flagged } of done) {
    for (const [reason, rows] of Object.entries(quarantined))
      reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
    for (const [rule, rows] of Object.entries(flagged)) flags.set(rule, (flags.get(rule) ?? 0) + rows);
  }
  const leftOut = new Map<string, number>();
  for (const quality of done)
    for (const [name, rows] of Object.entries(quality.leftOut))
      leftOut.set(name, (leftOut.get(name) ?? 0) + rows);
  const identities = await identityCounts(store, manifest);
  const total = (counts: Iterable<number>) => [...counts].reduce((sum, rows) => sum + rows, 0);
  const sum = (of: (quality: (typeof done)[number]) => number) => total(done.map(of));
  return {
    totals: {
      files: done.length + refused.length,
      rowsIn: sum((q) => q.rowsIn),
      clean: sum((q) => q.clean),
      duplicates: sum((q) => q.duplicates.dropped),
      duplicatesKept: sum((q) => (q.duplicates.policy === 'keep' ? q.duplicates.found : 0)),
      leftOut: total(leftOut.values()),
      replaced: total(Object.values(await replacedCounts(store, manifest))),
      ...(identities ? { identities } : {}),
      quarantined: sum((q) => q.quarantinedRows),
      refused: refused.length,
    },
    reasons: [...reasons].map(([reason, rows]) => ({ reason, rows })).sort((a, b) => b.rows - a.rows),
    leftOut: [...leftOut].map(([condition, rows]) => ({ condition, rows })),
    flags: [...flags].map(([rule, rows]) => ({ rule, rows })).sort((a, b) => b.rows - a.rows),
    days,
    refused,
  };
}
