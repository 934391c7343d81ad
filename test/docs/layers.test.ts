import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DOCUMENT, withLayers } from './layers.ts';

it('docs/architecture.md shows the layers that npm run check holds', () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  expect(withLayers(document)).toBe(document);
});
