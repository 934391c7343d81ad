import { describe, expect, it } from 'vitest';
import { SLOW } from '../e2e/nights.ts';
import { followTutorial, shown } from './tutorial.ts';

describe('docs/tutorial.md', { timeout: 3 * SLOW }, () => {
  it('is right to its end', async () => {
    const followed = await followTutorial();
    expect(followed.at(-1)?.commands).toContain('run --as-of 2025-10-27');
    for (const { commands, printed, expected } of followed)
      expect(printed, commands).toMatch(shown(expected));
  });
});
