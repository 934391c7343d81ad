import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes minutes is called *.slow.ts and runs with `npm run test:all` alone. */
const KINDS = process.env.NIGHTJAR_SLOW_TESTS === '1' ? ['test', 'slow'] : ['test'];
const testsOf = (folder: string) => KINDS.map((kind) => `${folder}/**/*.${kind}.ts`);

/**
 * Folders whose files share their modules within a worker: loading the CDK and its checker of templates, or the engine,
 * takes longer than most files of these run. They change nothing of the process.
 */
const SHARED = [
  'clean',
  'config',
  'engine',
  'export',
  'features',
  'infra',
  'models',
  'presets',
  'report',
  'run',
].map((folder) => `test/${folder}`);

/** A worker hands its modules on only to the next file in line: those that share come one after the other. */
class SharedFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const shares = ({ project }: TestSpecification) => project.config.isolate === false;
    return [...sorted.filter(shares), ...sorted.filter((file) => !shares(file))];
  }
}

export default defineConfig({
  // As tsconfig.json's paths: examples name the package, tests run them from source.
  resolve: {
    alias: [
      { find: /^nightjar-shop$/, replacement: fileURLToPath(new URL('package/index.ts', import.meta.url)) },
      {
        find: /^nightjar-shop\/engine$/,
        replacement: fileURLToPath(new URL('package/engine.ts', import.meta.url)),
      },
      {
        find: /^nightjar-shop\/infra$/,
        replacement: fileURLToPath(new URL('package/infra.ts', import.meta.url)),
      },
    ],
  },
  test: {
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED.flatMap(testsOf), isolate: false } },
      { extends: true, test: { name: 'alone', include: testsOf('test'), exclude: SHARED.flatMap(testsOf) } },
    ],
    sequence: { sequencer: SharedFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
