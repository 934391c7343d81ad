import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type Config, type ConfigInput, loadConfig } from '../../lib/config/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { nightjar } from '../e2e/command.ts';
import { exportName } from '../e2e/nights.ts';
import { SMALL } from '../e2e/shop.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/online-retail', import.meta.url));
const DROPS = join(EXAMPLE, 'drops/transactions');

/** Every daily file of the example, 'YYYY-MM-DD.csv.gz', in order. */
export const ALL_DAYS: readonly string[] = readdirSync(DROPS).sort();

/** What user ids are sealed with, here and there. */
export const KEY = new Uint8Array(64).map((_, i) => (i * 37 + 11) % 256);

/** Nights of the thirty drops: at each the shop has sent the day before, as the config expects of it. */
export const FIRST_NIGHT = '2011-09-10';
export const SECOND_NIGHT = '2011-09-21';

/** Thirty drops over the whole time, so that there are cut-offs to train at: 26 before the first night, 4 until the second. */
export const THIRTY_DAYS: readonly string[] = pick();

function pick(): string[] {
  const before = ALL_DAYS.filter((name) => name < FIRST_NIGHT);
  const between = ALL_DAYS.filter((name) => name >= FIRST_NIGHT && name < SECOND_NIGHT);
  return [...evenly(before, 26), ...evenly(between, 4)];
}

/** n of the list at equal distances, the last one among them. */
function evenly(list: readonly string[], n: number): string[] {
  return Array.from({ length: n }, (_, i) => list[Math.ceil(((i + 1) * list.length) / n) - 1]!);
}

export const bytesOf = (name: string): Buffer => readFileSync(join(DROPS, name));

type Preset = Pick<ConfigInput, 'training' | 'model' | 'features' | 'text'>;

/** A model that trains in seconds, and reads texts: which jobs may read what is a part of the test. */
const SMALL_TEXT: Preset = {
  ...SMALL,
  model: { ...SMALL.model, families: ['network'] },
  text: {
    encoder: { layers: 1, width: 16, heads: 2, vocabulary: 300, epochs: 1 },
    maxLength: 16,
    recent: 2,
  },
};

/** A model that trains in a second: for tests of everything but the model. */
export const TINY: Preset = {
  ...SMALL,
  text: undefined,
  training: { ...SMALL.training, steps: 20, pretrainSteps: 0 },
  model: { ...SMALL.model, layers: 0 },
};

/** Several days in one file that is not compressed. */
export function joined(names: readonly string[]): Buffer {
  const [first = '', ...rest] = names.map((name) => gunzipSync(bytesOf(name)).toString().trimEnd());
  const rows = rest.map((text) => text.slice(text.indexOf('\n') + 1));
  return Buffer.from(`${[first, ...rows].join('\n')}\n`);
}

/** The example with a model that trains in seconds, in a folder of its own. @param deploy what differs of the cloud's settings */
export async function smallRetail(
  folder: string,
  preset: Preset = SMALL_TEXT,
  deploy: ConfigInput['deploy'] = {},
): Promise<Config> {
  const { config } = await loadConfig(EXAMPLE);
  const small = {
    ...config,
    training: { ...config.training, ...preset.training },
    model: { ...config.model, ...preset.model },
    features: { ...config.features, ...preset.features },
    ...('text' in preset ? { text: preset.text } : {}),
    nightly: { ...config.nightly, expect: ['transactions'] },
    // The smallest limits that there are: a drop above them is a batch job's.
    deploy: { ...config.deploy, largeDrop: { plainMiB: 1, gzipMiB: 1 }, ...deploy },
  };
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(small)};\n`);
  return (await loadConfig(folder)).config;
}

/** The example as it is, in a folder of its own. */
export function fullRetail(folder: string): Promise<Config> {
  return smallRetail(folder, {});
}

/** What a night has exported: SHA-256 of every file but the manifest, by name; and the run's id. */
export interface Exported {
  readonly runId: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The exports of the only finished run of a day. @throws Error when there is none, or more than one */
export async function exportsOf(store: ObjectStore, asOf: string): Promise<Exported> {
  const prefix = `exports/as_of=${asOf}/`;
  const runs = new Set<string>();
  const files: Record<string, string> = {};
  for await (const { key } of store.list('exports/')) {
    // Beside the runs lies the file that says which of them counts.
    const runId = key.startsWith(prefix)
      ? /^([^/]+)\//.exec(key.slice(prefix.length))?.[1]
      : new RegExp(`/as_of=${asOf}/run=([^/]+)/`).exec(key)?.[1];
    if (runId === undefined) continue;
    runs.add(runId);
    if (key.endsWith('.json')) continue;
    const hash = createHash('sha256').update(await (await store.get(key)).bytes());
    files[exportName(key)] = hash.digest('hex');
  }
  const [runId, second] = [...runs];
  if (runId === undefined || second !== undefined || !('_SUCCESS' in files)) {
    throw new Error(`${runs.size} runs exported the night of ${asOf}: ${[...runs]} (${Object.keys(files)})`);
  }
  return { runId, files };
}

/** Files by their names. */
export type Drops = ReadonlyMap<string, Uint8Array>;

export const dropsOf = (names: readonly string[]): Drops =>
  new Map(names.map((name) => [name, bytesOf(name)]));

/** Nights on a folder, by the command that a person would give. */
export async function localNights(
  folder: string,
  nights: readonly { readonly asOf: string; readonly drops: Drops }[],
): Promise<Exported[]> {
  const root = join(folder, 'local');
  const into = join(root, 'drop/transactions');
  mkdirSync(into, { recursive: true });
  await writeFile(`${root}.key`, KEY);
  const exported: Exported[] = [];
  for (const { asOf, drops } of nights) {
    for (const [name, bytes] of drops) await writeFile(join(into, name), bytes);
    const args = ['--config', folder, '--store', root, 'run', '--as-of', asOf, '--json'];
    const { code, stderr } = await nightjar(args, folder);
    if (code !== 0) throw new Error(`the local night of ${asOf} ended with ${code}: ${stderr}`);
    exported.push(await exportsOf(await openFolderStore(root), asOf));
  }
  return exported;
}
