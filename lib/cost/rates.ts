import measured from './rates.json' with { type: 'json' };

/**
 * What work takes, measured by `npm run bench -- rates` (which writes rates.json). Processor seconds are those of all
 * threads together on the machine that is named there.
 */
export type Rates = typeof measured.rates;

export const RATES = measured;
