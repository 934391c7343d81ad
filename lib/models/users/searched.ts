import { type Head, searchSettings } from '../candidates/index.ts';
import type { TrainContext } from '../family.ts';
import { knownBy } from './known.ts';
import { materialOf } from './material.ts';

/**
 * The context with network settings that were searched on what was known by a day, where the config asks for it: no candidate
 * may be judged at an earlier one.
 * @param args.cutoffs before the day, ascending
 */
export async function searched<C extends TrainContext>(
  context: C,
  heads: readonly Head[],
  args: { readonly first: number; readonly day: number; readonly cutoffs: readonly number[] },
): Promise<{ readonly context: C; readonly notes: readonly string[] }> {
  const { manifest } = context;
  const { search } = manifest.config.training;
  if (!search) return { context, notes: [] };
  const { first, day, cutoffs } = args;
  const known = await knownBy(context, heads, { first, day, cutoffs: [...cutoffs, day], rich: false });
  const { config, note } = await searchSettings(materialOf(known, day), search.fits);
  return { context: { ...context, manifest: { ...manifest, config } }, notes: [note] };
}
