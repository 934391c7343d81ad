import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DOCUMENT, withColumns } from './columns.ts';

it('docs/exports.md has the columns that the code writes, with their types and meanings', () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  expect(document).toBe(withColumns(document));
});
