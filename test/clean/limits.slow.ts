import { expect, it } from 'vitest';
import { LIMIT_FILES } from '../bench/limit-files.ts';
import { FUNCTION_MIB, measureLimit } from '../bench/limits.ts';

it.each(LIMIT_FILES.map((file) => [file.name, file] as const))(
  '%s: fits the memory of the cleaning function, and nothing is lost up to the days of users',
  async (_, file) => {
    // given / when
    const { rows, clean, users, lines, peakRss } = await measureLimit(file);
    // then
    expect({ rows, clean, users, lines }).toEqual({
      rows: file.rows,
      clean: file.clean,
      users: file.users,
      lines: file.clean,
    });
    expect(peakRss / 2 ** 20).toBeLessThan(FUNCTION_MIB);
  },
  600_000,
);
