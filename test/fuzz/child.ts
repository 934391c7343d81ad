import { writeFile } from 'node:fs/promises';
import { KINDS } from './kinds.ts';
import { rngOf } from './mutate.ts';
import { isRefusal } from './reader.ts';

/** Reads changed files one after the other, and tells its parent before and after each. Killed when one takes too long or too much. */

export type Told =
  | { readonly at: number }
  | { readonly done: number; readonly outcome: 'read' | 'refused' }
  | { readonly done: number; readonly outcome: 'fault'; readonly error: string };

const [name = '', seed = '1', from = '0', to = '1', keep] = process.argv.slice(2);
const tell = (told: Told) =>
  new Promise<void>((resolve, reject) =>
    process.send!(told, (error: Error | null) => (error ? reject(error) : resolve())),
  );

const reader = await KINDS[name]!.open();
for (let index = Number(from); index < Number(to); index++) {
  await tell({ at: index });
  const rng = rngOf(name, Number(seed), index);
  // The files as they are come first: a reader that takes none of them finds nothing.
  const whole = index < reader.seeds.length;
  const file = whole ? reader.seeds[index]! : reader.seeds[rng.integer(reader.seeds.length)]!;
  const bytes = whole ? file : reader.mutate(rng, file);
  if (keep) await writeFile(keep, bytes);
  try {
    const outcome = await reader.read(bytes);
    if (whole && outcome !== 'read') throw new Error('a file as it is was refused');
    await tell({ done: index, outcome });
  } catch (error) {
    if (isRefusal(error) && !whole) await tell({ done: index, outcome: 'refused' });
    else await tell({ done: index, outcome: 'fault', error: described(error) });
  }
}
await reader.close?.();
process.disconnect();

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${described(error.cause)}`;
  return `${(error.stack ?? error.message).split('\n').slice(0, 7).join('\n')}${cause}`;
}
