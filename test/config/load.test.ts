import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../lib/config/index.ts';
import { ConfigError } from '../../lib/data/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const CONFIG = `import { defineConfig } from 'nightjar-shop';
export default defineConfig({
  shop: { timeZone: 'UTC' as const },
  sources: {},
  tasks: {},
});
`;

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

async function errorOf(path: string): Promise<string> {
  const error: unknown = await loadConfig(path).then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message;
}

describe('a config file', () => {
  it('loads from any folder: beside no package, beside one of CommonJS, with files of its own', async () => {
    const plain = await folderWith({ 'nightjar.config.ts': CONFIG });
    const commonJs = await folderWith({
      'package.json': '{ "type": "commonjs" }',
      'nightjar.config.ts': CONFIG,
    });
    const parts = await folderWith({
      'shop.ts': "export const timeZone: string = 'Asia/Tokyo';\n",
      'conf/nightjar.config.ts':
        "import { defineConfig } from 'nightjar-shop';\nimport { timeZone } from '../shop';\nexport default defineConfig({ shop: { timeZone }, sources: {}, tasks: {} });\n",
    });
    expect((await loadConfig(plain)).config.shop.timeZone).toBe('UTC');
    expect((await loadConfig(join(plain, 'nightjar.config.ts'))).folder).toBe(plain);
    expect((await loadConfig(commonJs)).config.shards).toBe(4);
    expect((await loadConfig(join(parts, 'conf'))).config.shop.timeZone).toBe('Asia/Tokyo');
  });

  it('may import from the package, or from the name it had before it was one', async () => {
    const old = await folderWith({ 'nightjar.config.ts': CONFIG.replace('nightjar-shop', 'nightjar') });
    const both = await folderWith({
      'nightjar.config.ts': CONFIG.replace('sources: {}', 'sources: shop.sources').replace(
        'export',
        "import shop from './old.ts';\nexport",
      ),
      'old.ts': CONFIG.replace('nightjar-shop', 'nightjar'),
    });
    expect((await loadConfig(old)).config.shop.timeZone).toBe('UTC');
    expect((await loadConfig(both)).config.sources).toEqual({});
  });

  it('that is not there is named, with what to do', async () => {
    const folder = await temporaryFolder();
    expect(await errorOf(folder)).toBe(
      `no config at ${folder}/nightjar.config.ts: run "nightjar init" to write one, or point --config at it`,
    );
  });

  it('that is no TypeScript is named, with the place', async () => {
    const folder = await folderWith({ 'nightjar.config.ts': 'export default {\n  shop: {,\n};\n' });
    const message = await errorOf(folder);
    expect(message).toContain(`${folder}/nightjar.config.ts cannot be loaded: `);
    expect(message).toContain('line 2, column 10: Expected identifier but found ","');
  });

  it('that throws is named, with what it threw', async () => {
    const folder = await folderWith({ 'nightjar.config.ts': "throw new Error('no such shop');\n" });
    expect(await errorOf(folder)).toBe(
      `${folder}/nightjar.config.ts cannot be loaded: no such shop: correct it there`,
    );
  });

  it('without a default export is named', async () => {
    const folder = await folderWith({ 'nightjar.config.ts': 'export const config = {};\n' });
    expect(await errorOf(folder)).toBe(
      `${folder}/nightjar.config.ts has no default export: write "export default defineConfig({ … })"`,
    );
  });

  it('with a wrong setting is named in its error', async () => {
    const folder = await folderWith({ 'nightjar.config.ts': CONFIG.replace("'UTC' as const", '3') });
    expect(await errorOf(folder)).toBe(
      `${folder}/nightjar.config.ts has 1 wrong setting:\n  shop.timeZone: given 3, expected a string`,
    );
  });
});
