import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as engine from '../../lib/engine/index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

it('the example of the README trains a network and scores with the file that it wrote', async () => {
  // given the block as it stands, in a folder where the package's name leads to the sources
  const readme = await readFile(join(ROOT, 'lib/engine/README.md'), 'utf8');
  const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
  expect(example).toContain("from 'nightjar-shop/engine'");
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-readme-'));
  try {
    await writeFile(join(folder, 'example.mts'), example);
    // when it runs
    const { stdout } = await run(process.execPath, ['--import', 'tsx', join(folder, 'example.mts')], {
      cwd: ROOT,
    });
    // then it has learnt the circle
    const [, auroc] = /^loss \d\.\d{3}, AUROC (\d\.\d{3}), \d+ bytes\n$/.exec(stdout) ?? [];
    expect(Number(auroc)).toBeGreaterThan(0.98);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('every error that the engine raises on purpose can be told by its door', () => {
  const errors = Object.entries<unknown>({ ...engine }).filter(([name]) => name.endsWith('Error'));
  for (const [name, error] of errors) {
    const { prototype } = error as { prototype: unknown };
    expect(prototype === engine.EngineError.prototype || prototype instanceof engine.EngineError, name).toBe(
      true,
    );
  }
  expect(errors.length).toBeGreaterThan(10);
});
