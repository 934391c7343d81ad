import { openFolderStore } from '../../lib/runtime/index.ts';
import { writeScores } from './export-shop.ts';

/** Writes the scores of the export's benchmark: `export-job.ts FOLDER USERS SHARDS [emails]`. Prints the run. */
const [folder = '', users = '', shards = '', emails = ''] = process.argv.slice(2);
const store = await openFolderStore(folder, { durable: false });
console.log(await writeScores(store, Number(users), Number(shards), emails === 'emails'));
