import { build } from 'esbuild';
import { moduleFile, ROOT } from '../home.ts';
import { BuildError } from './errors.ts';

/** Libraries with native code: they cannot be bundled and lie beside a bundle as packages. */
export const NATIVE = ['@duckdb/node-api', '@duckdb/node-bindings', 'onnxruntime-node'] as const;
export type Native = (typeof NATIVE)[number];

/** CommonJS inside a bundle asks for Node's own modules by `require`, which an ES module does not have. */
const BANNER =
  "import { createRequire as nightjarRequire } from 'node:module'; const require = nightjarRequire(import.meta.url);";

/**
 * Bundles an entry and what it uses into one ES module, the AWS SDK included: what was tested is what runs.
 * @param entry one of our modules: its path without an ending, 'functions/clean/lambda'
 * @param natives the only native libraries that it may load
 * @throws BuildError when it would load another one
 */
export async function bundle(entry: string, natives: readonly Native[]): Promise<Uint8Array> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [moduleFile(entry)],
    outfile: 'bundle.mjs',
    write: false,
    metafile: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // ES modules where a package has both: only those lose what nobody uses.
    mainFields: ['module', 'main'],
    external: [...NATIVE],
    banner: { js: BANNER },
    legalComments: 'inline',
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const loaded = new Set(output?.imports.filter(({ external }) => external).map(({ path }) => path));
  const foreign = NATIVE.filter((name) => loaded.has(name) && !natives.includes(name));
  if (foreign.length > 0) {
    throw new BuildError(
      `${entry} must not load ${foreign.join(' and ')}, but something that it imports does: ` +
        `import from a narrower module. ${whoImports(metafile.inputs, foreign)}`,
    );
  }
  return outputFiles[0]!.contents;
}

function whoImports(
  inputs: Readonly<Record<string, { imports: readonly { path: string }[] }>>,
  names: readonly string[],
): string {
  const who = Object.entries(inputs)
    .filter(([, { imports }]) => imports.some(({ path }) => names.includes(path)))
    .map(([path]) => path);
  return `It is imported by ${who.join(', ')}`;
}
