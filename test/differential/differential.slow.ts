import { expect, it } from 'vitest';
import { check } from './check.ts';
import { BATCH, SEEDS } from './seeds.ts';

const batches = Array.from({ length: Math.ceil(SEEDS.length / BATCH) }, (_, i) =>
  SEEDS.slice(i * BATCH, (i + 1) * BATCH),
);

it.each(batches.map((seeds) => [seeds[0]!, seeds.at(-1)!, seeds] as const))(
  'generated files are read as another program reads them: seeds %i to %i',
  async (_from, _to, seeds) => {
    // given / when
    const { faults, files, leftOut } = await check(seeds);
    // then
    expect(faults.join('\n\n')).toBe('');
    expect(files + leftOut).toBe(seeds.length);
  },
  900_000,
);
