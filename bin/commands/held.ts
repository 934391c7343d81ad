import { NightjarError } from '../../lib/data/index.ts';
import { heldBack, type PlannedRun } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** An export that is finished and not shown. */
interface HeldExport {
  readonly asOf: string;
  readonly runId: string;
  readonly reasons: readonly string[];
}

/** Exports that are held back, by day. */
export async function heldExports(store: ObjectStore): Promise<HeldExport[]> {
  const found: HeldExport[] = [];
  for await (const { key } of store.list('exports/as_of=')) {
    const [, asOf, runId] = /^exports\/as_of=([^/]+)\/([^/]+)\/HELD$/.exec(key) ?? [];
    if (asOf === undefined || runId === undefined) continue;
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
