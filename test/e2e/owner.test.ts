import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openWorkspace, type WorkspaceOptions } from '../../bin/workspace.ts';
import { ConfigError } from '../../lib/data/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';

const events = {
  format: 'csv',
  table: 'events',
  columns: { user: 'customer', time: 'placed', type: "'purchase'" },
};
const configOf = (name: string | undefined, timeZone = 'UTC') =>
  `export default ${JSON.stringify({ shop: { ...(name ? { name } : {}), timeZone }, sources: { orders: events }, tasks: {} })};\n`;

let home: string;
const at = (...path: string[]) => join(home, ...path);
const open = (options: Partial<WorkspaceOptions> = {}) => openWorkspace({ config: home, ...options });
const identity = async (root: string) => JSON.parse(await readFile(join(root, 'identity.json'), 'utf8'));

beforeEach(async () => {
  home = at2(await temporaryFolder());
  await mkdir(home);
  await writeFile(at('nightjar.config.ts'), configOf('A'));
});
/** One folder deeper, so that the whole project can be moved beside itself. */
const at2 = (folder: string) => join(folder, 'shop');

describe('two configs in one folder', () => {
  it('have a bucket and a key each', async () => {
    await writeFile(at('b.config.ts'), configOf('B', 'Asia/Tokyo'));
    for (const [config, name] of [
      ['.', 'a'],
      ['b.config.ts', 'b'],
    ] as const) {
      await writeFile(at(`${name}.csv`), `customer,placed\n${name},2024-05-01 23:30\n`);
      expect(
        (await nightjar(['--config', config, 'drop', `${name}.csv`, '--source', 'orders'], home)).code,
      ).toBe(0);
    }
    const a = await open();
    const b = await open({ config: at('b.config.ts') });
    expect([a.root, a.keyFile]).toEqual([at('.nightjar/bucket'), at('.nightjar/pseudonym.key')]);
    expect([b.root, b.keyFile]).toEqual([
      at('.nightjar/b.config.ts/bucket'),
      at('.nightjar/b.config.ts/pseudonym.key'),
    ]);
    expect((await a.ingest(() => {})).map(({ key }) => key)).toEqual(['drop/orders/a.csv']);
    expect((await b.ingest(() => {})).map(({ key }) => key)).toEqual(['drop/orders/b.csv']);
  });

  it('cannot be called what another folder in there is called', async () => {
    for (const name of ['bucket.ts', 'demo.ts', 'demo.config.ts', 'bucket.logs.ts']) {
      await writeFile(at(name), configOf(name));
      const { root } = await open({ config: at(name) });
      expect(root).toBe(at('.nightjar', name, 'bucket'));
    }
  });
});

describe('a bucket that is another shop’s is refused, with the way out', () => {
  it('for another config, another shop in the same file, and a shop without a name', async () => {
    const store = at('common');
    await open({ store });
    await writeFile(at('b.config.ts'), configOf('A'));
    await writeFile(at('c.config.ts'), configOf('C'));
    for (const [file, name] of [
      ['b.config.ts', 'A'],
      ['c.config.ts', 'C'],
    ] as const) {
      await expect(open({ config: at(file), store })).rejects.toThrow(
        new ConfigError(
          `the bucket ${store} belongs to shop "A" of ${at('nightjar.config.ts')}, not to shop "${name}" of ${at(file)}: ` +
            'name another folder with --store; only if that shop was renamed, or its config moved, take the bucket over with --adopt',
        ),
      );
    }
    await writeFile(at('nightjar.config.ts'), configOf('Renamed'));
    await expect(open({ store })).rejects.toThrow(/belongs to shop "A" .* not to shop "Renamed"/);
    // Without a name every shop is called "shop": the file tells them apart.
    await writeFile(at('nightjar.config.ts'), configOf(undefined));
    await writeFile(at('b.config.ts'), configOf(undefined));
    await open({ store: at('unnamed') });
    await expect(open({ config: at('b.config.ts'), store: at('unnamed') })).rejects.toThrow(
      /not to shop "shop" of .*b\.config\.ts/,
    );
  });

  it('by every command that opens it, before it does anything', async () => {
    await open({ store: at('common') });
    await writeFile(at('b.config.ts'), configOf('B'));
    await writeFile(at('b.csv'), 'customer,placed\nzoe,2024-05-01\n');
    const call = (...args: string[]) =>
      nightjar(['--config', 'b.config.ts', '--store', 'common', ...args], home);
    for (const args of [['drop', 'b.csv', '--source', 'orders'], ['clean'], ['status']]) {
      const { code, stdout, stderr } = await call(...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^nightjar: the bucket .* belongs to shop "A"/);
    }
    const { root, store } = await open({ store: at('common') });
    for await (const { key } of store.list('')) expect(key).toBe('identity.json');
    // and: the way out
    const adopted = await call('--adopt', 'status');
    expect(adopted.code).toBe(0);
    expect(await identity(root)).toEqual({ format: 1, shop: 'B', config: '../b.config.ts' });
    await expect(open({ store: at('common') })).rejects.toThrow(ConfigError);
  });
});

describe('the own bucket stays the own one', () => {
  const moved = (from: string, to: string) => rename(from, to).then(() => (home = to));

  it('when the project is moved or copied as a whole', async () => {
    const first = await open();
    await first.store.put('drop/orders/x.csv', 'x');
    const to = join(home, '../elsewhere');
    await cp(home, join(home, '../copied'), { recursive: true });
    await moved(home, to);
    for (const config of [to, join(to, '../copied')]) {
      const { store, root } = await openWorkspace({ config });
      expect(await store.head('drop/orders/x.csv')).toBeDefined();
      expect((await identity(root)).config).toBe('../../nightjar.config.ts');
    }
  });

  it('when the config or the bucket alone is moved, and the old one is gone', async () => {
    const store = join(home, '../data/bucket');
    await open({ store });
    await moved(home, join(home, '../elsewhere'));
    await open({ store });
    expect((await identity(store)).config).toBe('../../elsewhere/nightjar.config.ts');
    await rename(join(store, '..'), join(home, '../other-disk'));
    await open({ store: join(home, '../other-disk/bucket') });
    // A copy of the config is another one as long as the first stands.
    await cp(home, join(home, '../copied'), { recursive: true });
    await expect(
      openWorkspace({ config: join(home, '../copied'), store: join(home, '../other-disk/bucket') }),
    ).rejects.toThrow(/belongs to shop "A" of .*elsewhere/);
  });

  it('by whatever path the config and the bucket are named', async () => {
    const { root } = await open();
    await symlink(home, join(home, '../link'));
    await symlink(root, at('bucket-link'));
    const link = join(home, '../link');
    await openWorkspace({ config: link });
    await openWorkspace({ config: join(link, 'nightjar.config.ts'), store: at('bucket-link') });
    expect(await identity(root)).toEqual({ format: 1, shop: 'A', config: '../../nightjar.config.ts' });
  });

  it('when it has no mark yet, as those that were made before, once', async () => {
    const { root } = await open({ store: at('old') });
    await rm(join(root, 'identity.json'));
    await open({ store: at('old') });
    expect(await identity(root)).toMatchObject({ shop: 'A' });
    await writeFile(at('b.config.ts'), configOf('B'));
    await expect(open({ config: at('b.config.ts'), store: at('old') })).rejects.toThrow(ConfigError);
    // and: a mark that a disk has lost is told with what to do
    await writeFile(join(root, 'identity.json'), '{"format":2}');
    await expect(open({ store: at('old') })).rejects.toThrow(/identity\.json is damaged .* delete it/);
  });

  it('where many commands are the first at one moment', async () => {
    await writeFile(at('b.config.ts'), configOf('B'));
    const claims = Array.from({ length: 12 }, (_, i) =>
      open({ store: at('new'), ...(i % 2 ? { config: at('b.config.ts') } : {}) }),
    );
    const settled = await Promise.allSettled(claims);
    const { shop } = await identity(at('new'));
    expect(settled.map(({ status }) => status)).toEqual(
      settled.map((_, i) => ((i % 2 ? 'B' : 'A') === shop ? 'fulfilled' : 'rejected')),
    );
  });
});
