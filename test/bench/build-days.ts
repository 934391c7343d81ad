import { buildDays } from '../../lib/features/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { BIG_CONFIG } from './clean.ts';

/** One process of the benchmark of large drops: `build-days.ts FOLDER CLEAN_KEY`, what the features function does. */
const [folder = '', cleanKey = ''] = process.argv.slice(2);
const store = await openFolderStore(folder, { durable: false });
const { written } = await buildDays({ store, config: BIG_CONFIG, cleanKey });
if (!written) throw new Error(`${cleanKey}: its day rows stood already`);
