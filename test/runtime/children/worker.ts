import { createInterface } from 'node:readline';
import { AtWork, markAtWork } from '../../../lib/runtime/index.ts';

/** Marks a folder as worked on when it is told to 'go', says what came of it, and takes the mark off when told to 'free' it. */
const [root = ''] = process.argv.slice(2);
let release = async () => {};
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'free') {
    await release();
    console.log('free');
    continue;
  }
  try {
    release = await markAtWork(root, 'run');
    console.log('at work');
  } catch (error) {
    console.log(error instanceof AtWork ? `busy: ${error.message}` : `failed: ${error}`);
  }
}
