import type { JobDefinition } from '../runtime/index.ts';
import type { Role } from './shared.ts';

/** What a role may do, by prefixes of keys. What is not said here is not allowed. */
export interface Access {
  /** Objects it may read, and whose names it may list. */
  readonly read: readonly Prefix[];
  /** Objects it may write. No role may delete one. */
  readonly write: readonly Prefix[];
  /** Objects whose names, sizes and times it may list without reading them. */
  readonly list: readonly Prefix[];
  /** May it use the secret that turns ids of users into pseudonyms and back? */
  readonly pseudonyms: boolean;
  /** The queue that it takes messages from. */
  readonly consumes?: 'clean' | 'features';
  /** The queues that it may send a lost message to again. */
  readonly sends?: readonly ('clean' | 'features')[];
  /** Job definitions that it may submit. */
  readonly submits: readonly JobDefinition[];
}

export const PREFIXES = [
  'drop/',
  'clean/',
  'quarantine/',
  'quality/',
  'digests/',
  'index/',
  'days/',
  'keys/',
  'config/',
  'runs/',
  'fits/',
  'snapshots/',
  'versions/',
  'packs/',
  'models/',
  'scores/',
  'exports/',
] as const;
export type Prefix = (typeof PREFIXES)[number];

/** Who may do what with which objects. docs/security.md prints this table. */
export const ACCESS: Readonly<Record<Role, Access>> = {
  // What stands already is read back when the answer to a put was lost; `config/` is for the job of a large drop.
  clean: {
    read: ['drop/', 'clean/', 'quality/', 'digests/', 'config/'],
    write: ['clean/', 'quarantine/', 'quality/', 'digests/', 'config/'],
    list: [],
    pseudonyms: true,
    consumes: 'clean',
    submits: ['clean'],
  },
  features: {
    read: ['clean/', 'days/', 'keys/'],
    write: ['days/', 'keys/'],
    list: [],
    pseudonyms: false,
    consumes: 'features',
    submits: [],
  },
  // Of drops, rows and scores it needs to know what there is, never what is in them.
  dispatch: {
    read: ['quality/', 'index/', 'runs/', 'models/', 'exports/'],
    write: ['index/', 'runs/'],
    list: ['drop/', 'digests/', 'days/', 'snapshots/', 'scores/'],
    pseudonyms: false,
    sends: ['clean', 'features'],
    submits: ['finetune', 'score', 'export'],
  },
  finetune: {
    read: ['clean/', 'index/', 'days/', 'keys/', 'packs/', 'versions/', 'runs/', 'fits/', 'models/'],
    write: ['packs/', 'versions/', 'runs/', 'fits/', 'models/'],
    list: [],
    pseudonyms: false,
    submits: [],
  },
  score: {
    read: [
      'clean/',
      'index/',
      'days/',
      'keys/',
      'packs/',
      'versions/',
      'runs/',
      'snapshots/',
      'models/',
      'scores/',
    ],
    write: ['versions/', 'runs/', 'snapshots/', 'scores/'],
    list: [],
    pseudonyms: false,
    submits: [],
  },
  export: {
    read: ['index/', 'runs/', 'scores/', 'exports/'],
    write: ['runs/', 'exports/'],
    list: [],
    pseudonyms: true,
    submits: [],
  },
  cleanJob: {
    read: ['drop/', 'clean/', 'quality/', 'digests/', 'config/'],
    write: ['clean/', 'quarantine/', 'quality/', 'digests/'],
    list: [],
    pseudonyms: true,
    submits: [],
  },
  quarantineReader: {
    read: ['quarantine/'],
    write: [],
    list: [],
    pseudonyms: false,
    submits: [],
  },
};

/** The bucket that a prefix stands in, as the store of the cloud routes it. */
export function bucketOf(prefix: Prefix): 'drops' | 'data' | 'exports' {
  if (prefix === 'drop/') return 'drops';
  return prefix === 'exports/' ? 'exports' : 'data';
}
