import type { QualityReport } from '../report/index.ts';
import type { DropState, RunManifest } from '../run/index.ts';

/** What became of the rows of the drops that a run lists, and of the drops that were refused. */
export function qualityReport(
  manifest: RunManifest,
  drops: readonly DropState[],
  days: QualityReport['days'],
): QualityReport {
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
  const sum = (of: (quality: (typeof done)[number]) => number) => done.reduce((total, q) => total + of(q), 0);
  return {
    totals: {
      files: done.length + refused.length,
      rowsIn: sum((q) => q.rowsIn),
      clean: sum((q) => q.clean),
      duplicates: sum((q) => q.duplicates.dropped),
      duplicatesKept: sum((q) => (q.duplicates.policy === 'keep' ? q.duplicates.found : 0)),
      quarantined: sum((q) => q.quarantinedRows),
      refused: refused.length,
    },
    reasons: [...reasons].map(([reason, rows]) => ({ reason, rows })).sort((a, b) => b.rows - a.rows),
    flags: [...flags].map(([rule, rows]) => ({ rule, rows })).sort((a, b) => b.rows - a.rows),
    days,
    refused,
  };
}
