/** Digits of the minor unit of currencies that have not two (ISO 4217). */
const MINOR_DIGITS = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
]);

/** How many digits the minor unit of a currency has: 2 for EUR and where no currency is stated, 0 for JPY, 3 for KWD. */
export function minorDigits(currency: string | undefined): number {
  return MINOR_DIGITS.get(currency ?? '') ?? 2;
}
