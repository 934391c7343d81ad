import type { Deploy } from '../config/index.ts';
import type { DropFormat } from './formats.ts';

/** What decides the bill. */
export interface Load {
  readonly users: number;
  readonly eventsPerDay: number;
  readonly dropsPerDay: number;
  readonly format: DropFormat;
  readonly shards: number;
  /** Days of history that stay: day rows, clean rows and drops of this age are stored. */
  readonly historyDays: number;
  /** `features.lateDays`: scoring folds on from a snapshot that lies so many days back. */
  readonly lateDays: number;
  readonly deploy: Deploy;
}

/** One line of the bill: how much of what, what it costs a day, and where the amount comes from. */
export interface Line {
  readonly part: 'ingest' | 'night' | 'training' | 'storage' | 'idle';
  readonly what: string;
  readonly amount: number;
  readonly unit: string;
  /** US dollars a day. */
  readonly usd: number;
  readonly from: string;
}
