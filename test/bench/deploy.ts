import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { lockedPart, NATIVE, ROOT, readLock } from '../../bin/build/index.ts';
import { builtPackages } from '../build/packages.ts';
import { runMeasured } from './measured.ts';
import { load, median, printTable, withFolder } from './support.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 7);
const FUNCTIONS = ['clean', 'features', 'dispatch'] as const;
const STARTER = fileURLToPath(new URL('./cold-start.mjs', import.meta.url));

/** What is deployed: sizes of the packages, how fast and how large they start, and what the images hold. */
export async function benchDeploy(): Promise<void> {
  const { functions, image } = await builtPackages();
  await withFolder(async (folder) => {
    await functionTable(functions, folder);
    await imageTable(image);
  });
}

async function functionTable(packages: string, folder: string): Promise<void> {
  await writeFile(join(folder, 'key'), new Uint8Array(64).fill(7));
  const arns = JSON.stringify({ clean: 'arn:aws:batch:eu-central-1:123456789012:job-queue/cpu' });
  const env = {
    NIGHTJAR_STORE: join(folder, 'bucket'),
    NIGHTJAR_KEY_FILE: join(folder, 'key'),
    NIGHTJAR_JOB_QUEUES: arns,
    NIGHTJAR_JOB_DEFINITIONS: arns,
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
  };
  const rows: string[][] = [];
  for (const name of FUNCTIONS) {
    const zip = await readFile(join(packages, `${name}.zip`));
    const files = unzipSync(zip);
    const home = join(folder, name);
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), bytes);
    }
    const starts = [];
    for (let run = 0; run < RUNS; run++) starts.push(await runMeasured([STARTER], env, home));
    const milliseconds = starts.map(({ seconds }) => seconds * 1000);
    rows.push([
      name,
      mega(zip.length),
      mega(Object.values(files).reduce((sum, { length }) => sum + length, 0)),
      median(milliseconds).toFixed(0),
      milliseconds.map((ms) => ms.toFixed(0)).join(' '),
      mega(median(starts.map(({ peakRss }) => peakRss))),
    ]);
  }
  const bare = [];
  for (let run = 0; run < RUNS; run++) bare.push(await runMeasured(['--eval', '0'], {}));
  rows.push([
    'Node alone',
    '',
    '',
    median(bare.map(({ seconds }) => seconds * 1000)).toFixed(0),
    '',
    mega(median(bare.map(({ peakRss }) => peakRss))),
  ]);
  printTable(
    `functions, from a start of the process until the handler is ready (load ${load()})`,
    ['', 'zip MB', 'unpacked MB', 'median ms', 'all ms', 'peak MB'],
    rows,
  );
}

/** By layer, without the bases and the CUDA provider, which are downloaded where the images are built. */
async function imageTable(image: string): Promise<void> {
  const { folders } = lockedPart(await readLock(), 'image', NATIVE);
  const rows: string[][] = [];
  let small = 0;
  for (const folder of folders) {
    const bytes = await sizeOf(join(ROOT, folder), (path) => !OTHER_PLATFORMS.test(path));
    if (bytes > 1e6) rows.push([`dependencies: ${folder.replace('node_modules/', '')}`, mega(bytes)]);
    else small += bytes;
  }
  rows.push(['dependencies: the others', mega(small)]);
  rows.push(['app', mega(await sizeOf(join(image, 'app')))]);
  printTable('images, by layer', ['', 'MB'], rows);
}

/** What the Dockerfiles remove. */
const OTHER_PLATFORMS = /bin\/napi-v6\/(darwin|win32|linux\/arm64)\//;

async function sizeOf(folder: string, counts: (path: string) => boolean = () => true): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && counts(path)) bytes += (await stat(path)).size;
  }
  return bytes;
}

const mega = (bytes: number) => (bytes / 1e6).toFixed(1);
