import type { Rates } from './rates.ts';

/** What drops are written as. */
export const DROP_FORMATS = ['csv', 'csv.gz', 'jsonl.gz', 'parquet'] as const;
export type DropFormat = (typeof DROP_FORMATS)[number];

/** Names of the measured rates of each format. */
const NAMES = {
  csv: { clean: 'cleanCpuSecondsPerMillionCsvRows', bytes: 'dropBytesPerCsvRow' },
  'csv.gz': { clean: 'cleanCpuSecondsPerMillionCsvGzRows', bytes: 'dropBytesPerCsvGzRow' },
  'jsonl.gz': { clean: 'cleanCpuSecondsPerMillionJsonlGzRows', bytes: 'dropBytesPerJsonlGzRow' },
  parquet: { clean: 'cleanCpuSecondsPerMillionParquetRows', bytes: 'dropBytesPerParquetRow' },
} as const satisfies Record<DropFormat, { clean: keyof Rates; bytes: keyof Rates }>;

export interface FormatRates {
  /** Of all threads. */
  readonly cleanCpuSecondsPerMillionRows: number;
  readonly dropBytesPerRow: number;
  /** Of the two rates, for whoever asks where an amount comes from. */
  readonly names: { readonly clean: string; readonly bytes: string };
  /** Which of `deploy.largeDrop` decides that a drop goes to a batch job. */
  readonly limit: 'plainMiB' | 'gzipMiB';
}

/** What a row costs in drops of a format. */
export function formatRates(format: DropFormat, rates: Rates): FormatRates {
  const names = NAMES[format];
  return {
    cleanCpuSecondsPerMillionRows: rates[names.clean],
    dropBytesPerRow: rates[names.bytes],
    names,
    limit: format.endsWith('.gz') ? 'gzipMiB' : 'plainMiB',
  };
}
