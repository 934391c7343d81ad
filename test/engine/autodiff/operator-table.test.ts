import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DOCUMENT, operatorDocument } from './operator-table.ts';

describe('docs/operators.md', () => {
  it('is what the operator table says; write it anew by the command in its first line', () => {
    // given
    const written = readFileSync(DOCUMENT, 'utf8');
    // when
    const expected = operatorDocument();
    // then
    expect(written).toBe(expected);
  });
});
