// Runs before the install scripts of our dependencies, and changes nothing outside of this package's own tree.
//
// On Linux x64 the install script of onnxruntime-node downloads GPU libraries (some hundred megabytes, from NuGet) unless
// they lie there already, and an install without a way to NuGet fails. The CPU needs none of them. So notes are laid
// where they would lie; the script finds its files and goes on. To have the libraries after all:
//   ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const NOTE =
  'Not downloaded: the CPU needs none of it. For a GPU: ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js\n';

/** The script has a setting of its own; who gives it means it. */
const told = process.env.ONNXRUNTIME_NODE_INSTALL ?? process.env.npm_config_onnxruntime_node_install;
/** In a checkout package-lock.json and allowScripts keep the script from running. */
const checkout = existsSync(new URL('./nightjar.ts', import.meta.url));

if (!told && !checkout && process.platform === 'linux' && process.arch === 'x64') {
  try {
    const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
    for (const provider of ['cuda', 'shared', 'tensorrt']) {
      const file = join(runtime, 'bin/napi-v6/linux/x64', `libonnxruntime_providers_${provider}.so`);
      if (!existsSync(file)) writeFileSync(file, NOTE);
    }
  } catch {
    // Another layout of node_modules: its script does what it does, and docs/install.md says how to tell it.
  }
}
