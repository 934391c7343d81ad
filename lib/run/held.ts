import { type ObjectStore, readJson } from '../runtime/index.ts';
import { heldKey, releasedKey } from './keys.ts';

/** `exports/as_of=<day>/<runId>/HELD`: why an export that is finished is not shown. */
export interface HeldBack {
  /** One sentence each. */
  readonly reasons: readonly string[];
}

/** Why a run's export is held back; undefined where it is not, or a person has released it. */
export async function heldBack(
  store: ObjectStore,
  asOf: string | null,
  runId: string,
): Promise<HeldBack | undefined> {
  const held = await readJson<HeldBack>(store, heldKey(asOf, runId));
  return held && !(await store.head(releasedKey(asOf, runId))) ? held : undefined;
}
