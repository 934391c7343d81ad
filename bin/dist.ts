import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { json, lockedPart, NATIVE, PUBLISHED_LOCK, readLock } from './build/index.ts';
import { packDrops } from './example-data.ts';
import { ROOT } from './home.ts';

/**
 * `npm run build`: makes `dist`, all that the package publishes beside its entry. It lies as the checkout does (bin, lib,
 * functions, containers, examples), so that the code finds everything in the same place.
 */
const DIST = join(ROOT, 'dist');

/** Files that are no code, as they are in the checkout. */
const DATA = [
  'cdk.json',
  'containers/.dockerignore',
  'containers/cpu/Dockerfile',
  'containers/gpu/Dockerfile',
  'examples/online-retail/nightjar.config.ts',
  'lib/cost/rates.json',
];

rmSync(DIST, { recursive: true, force: true });
const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
execFileSync(process.execPath, [join(typescript, '../bin/tsc'), '--project', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const path of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.d.ts')) nameWhatIsThere(join(DIST, path));
}
for (const path of DATA) cpSync(join(ROOT, path), join(DIST, path));
const { lock } = lockedPart(await readLock(), 'nightjar-shop', NATIVE);
writeFileSync(join(DIST, PUBLISHED_LOCK), json(lock));
await packDrops(join(ROOT, 'examples/online-retail/drops'), join(DIST, 'examples/online-retail/drops'));

/** The compiler rewrites the endings of imports in JavaScript alone; declarations go on naming sources. */
function nameWhatIsThere(file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
}
