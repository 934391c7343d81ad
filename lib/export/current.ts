import { canonicalJson, NightjarError } from '../data/index.ts';
import { currentKey, heldBack, releasedKey } from '../run/index.ts';
import { type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import type { ExportManifest } from './manifest.ts';

/** The manifest of the last good export: one object, so that no reader ever sees half of it. */
export const CURRENT_VIEW = 'exports/current/manifest.json';

/** Moves a day's pointer to a run; when another process moved it meanwhile, looks again. */
export async function pointDay(store: ObjectStore, key: string, runId: string): Promise<void> {
  for (;;) {
    const current = await store.head(key);
    const body = canonicalJson({ runId });
    const result = await store.put(key, body, current ? { ifMatch: current.etag } : { ifAbsent: true });
    if (result.written) return;
  }
}

/**
 * Moves the view of the last good export to this one, unless it shows a later day: an export for a day long past is no
 * news. Of two exports of one day the one that ends last is shown.
 */
export async function showCurrent(store: ObjectStore, manifest: ExportManifest): Promise<void> {
  for (;;) {
    const standing = await store.head(CURRENT_VIEW);
    if (standing) {
      const shown = await readJson<ExportManifest>(store, CURRENT_VIEW);
      if (shown && dayOf(shown) > dayOf(manifest)) return;
    }
    const condition = standing ? { ifMatch: standing.etag } : { ifAbsent: true as const };
    if ((await store.put(CURRENT_VIEW, canonicalJson(manifest), condition)).written) return;
  }
}

/**
 * Shows an export that was held back, because a person says so.
 * @param why stands in `RELEASED` beside it
 * @throws NightjarError where the run has no export that is held back
 */
export async function releaseExport(
  store: ObjectStore,
  asOf: string,
  runId: string,
  why: string,
): Promise<void> {
  if (!(await heldBack(store, asOf, runId))) {
    throw new NightjarError(`the export of run ${runId} as of ${asOf} is not held back`);
  }
  const manifest = await readJson<ExportManifest>(store, `exports/as_of=${asOf}/${runId}/manifest.json`);
  await putJson(store, releasedKey(asOf, runId), { why });
  await showCurrent(store, manifest!);
  await pointDay(store, currentKey(asOf), runId);
}

/** Days compare as texts; a run of labelled tables alone has none. */
const dayOf = ({ asOf }: ExportManifest): string => (asOf === 'none' ? '' : asOf);
