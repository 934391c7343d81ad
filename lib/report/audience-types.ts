/** How many users, and how many of them did it. */
interface Counted {
  readonly users: number;
  readonly done: number;
}

/** Whom a rule picks on a day, of all users who could be picked, and what they did. */
export interface AudienceMeasured {
  /** The day as of which they were picked. */
  readonly day: string;
  /** Held out were other users than those that were learnt from; absent where the whole day was held out. */
  readonly ofUsers?: boolean;
  readonly picked: Counted;
  readonly all: Counted;
  /** Interval of the share of those picked who did it, with 95 % confidence; absent where none were picked. */
  readonly low?: number;
  readonly high?: number;
}

/** A list of the users who are likely to do something. */
export interface AudienceReport {
  readonly name: string;
  readonly task: string;
  /** Of a list task: the item, or the value of its attribute. */
  readonly value?: string;
  readonly horizonDays: number;
  readonly rule: { readonly top: number } | { readonly above: number };
  /** Who is in it; absent where nothing was exported. */
  readonly reach?: {
    readonly users: number;
    readonly controlUsers: number;
    readonly lowest?: number;
    readonly expected?: number;
  };
  /** On a past day that the model's fit was kept from. */
  readonly validation?: AudienceMeasured;
  /** What the users of this run did, once its window is over. */
  readonly really?: AudienceMeasured;
  /** Why there is none, or it holds fewer than it might. */
  readonly why?: string;
}
