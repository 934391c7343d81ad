import { NightjarError } from '../../lib/data/index.ts';
import { CURRENT_VIEW, type ExportManifest } from '../../lib/export/index.ts';
import { currentKey, heldBack, type PlannedRun } from '../../lib/run/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';

/** An export that is finished and not shown. */
export interface HeldExport {
  readonly asOf: string;
  readonly runId: string;
  readonly reasons: readonly string[];
}

/**
 * Exports that are held back and would be shown if they were not, by day: no export of a later day is shown, and none of their own day
 * that was finished after them.
 */
export async function heldExports(store: ObjectStore): Promise<HeldExport[]> {
  const found: HeldExport[] = [];
  const shown = (await readJson<ExportManifest>(store, CURRENT_VIEW))?.asOf ?? '';
  for await (const { key, lastModified } of store.list('exports/as_of=')) {
    const [, asOf, runId] = /^exports\/as_of=([^/]+)\/([^/]+)\/HELD$/.exec(key) ?? [];
    if (asOf === undefined || runId === undefined || (asOf !== 'none' && asOf < shown)) continue;
    const pointer = await store.head(currentKey(asOf));
    if (pointer && pointer.lastModified >= lastModified) continue;
    const held = await heldBack(store, asOf, runId);
    if (held) found.push({ asOf, runId, reasons: held.reasons });
  }
  return found;
}

/**
 * To be called last: a person must look before the export of a run is shown.
 * @throws NightjarError where it is held back
 */
export async function checkShown(store: ObjectStore, { runId, manifest }: PlannedRun): Promise<void> {
  const held = await heldBack(store, manifest.asOf, runId);
  if (!held) return;
  throw new NightjarError(
    `the export is finished and held back, and the one before it stays in place: ${held.reasons.join('; ')}. ` +
      'Look at the last drops; where they are right, "nightjar release --why …" shows it',
  );
}
