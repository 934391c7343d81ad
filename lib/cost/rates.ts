import { readFileSync } from 'node:fs';

type Measured = typeof import('./rates.json');

/**
 * What work takes, measured by `npm run bench -- rates` (which writes rates.json). Processor seconds are those of all
 * threads together on the machine that is named there.
 */
export type Rates = Measured['rates'];

// Read, not imported: Node 20 and 22 warn of imported JSON.
export const RATES: Measured = JSON.parse(readFileSync(new URL('./rates.json', import.meta.url), 'utf8'));
