import type { DropState } from '../../lib/run/index.ts';
import { thousands } from './shared.ts';

/** From this share of a source's rows, or files, on a person is told of it. */
const LARGE = 0.05;
/** Reasons and files that are named. */
const NAMED = 3;

/** What a source lost of its rows and files. */
export interface Loss {
  readonly source: string;
  readonly rowsIn: number;
  readonly quarantined: number;
  readonly files: number;
  readonly refused: number;
  readonly message: string;
}

/** The sources that lost a large share of their rows to quarantine, or of their files to refusals, in words. */
export function losses(drops: readonly DropState[]): Loss[] {
  const bySource = new Map<string, DropState[]>();
  for (const drop of drops) {
    if (drop.state === 'pending') continue;
    const source = drop.quality.source ?? 'no source';
    bySource.set(source, [...(bySource.get(source) ?? []), drop]);
  }
  return [...bySource].flatMap(([source, own]) => {
    const done = own.flatMap((drop) => (drop.state === 'done' ? drop.quality : []));
    const refused = own.flatMap((drop) => (drop.state === 'refused' ? drop : []));
    const rowsIn = done.reduce((sum, { rowsIn: rows }) => sum + rows, 0);
    const quarantined = done.reduce((sum, { quarantinedRows }) => sum + quarantinedRows, 0);
    const parts: string[] = [];
    if (quarantined > LARGE * rowsIn) {
      const reasons = new Map<string, number>();
      for (const quality of done)
        for (const [reason, rows] of Object.entries(quality.quarantined))
          reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
      const most = [...reasons].sort(([, a], [, b]) => b - a).slice(0, NAMED);
      parts.push(
        `${thousands(quarantined)} of ${thousands(rowsIn)} rows (${percent(quarantined / rowsIn)}) could not be used and are in quarantine: ` +
          most.map(([reason, rows]) => `${reason} (${thousands(rows)})`).join(', '),
      );
    }
    if (refused.length > LARGE * own.length) {
      parts.push(
        `${refused.length} of ${own.length} files (${percent(refused.length / own.length)}) were refused: ` +
          refused
            .slice(0, NAMED)
            .map(({ key, quality }) => `${key} (${quality.refused.reason})`)
            .join(', ') +
          (refused.length > NAMED ? ` and ${refused.length - NAMED} more` : ''),
      );
    }
    if (parts.length === 0) return [];
    return [
      {
        source,
        rowsIn,
        quarantined,
        files: own.length,
        refused: refused.length,
        message: `${source}: ${parts.join('; ')}`,
      },
    ];
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
