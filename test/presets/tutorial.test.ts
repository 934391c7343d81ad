import { describe, expect, it } from 'vitest';
import { SLOW } from '../e2e/nights.ts';
import { followTutorial, shown } from './tutorial.ts';

describe('docs/tutorial.md', { timeout: SLOW }, () => {
  it('is right command by command, up to the first night', async () => {
    const followed = await followTutorial(' run --as-of');
    expect(followed.length).toBeGreaterThan(4);
    for (const { commands, printed, expected } of followed)
      expect(printed, commands).toMatch(shown(expected));
  });
});
