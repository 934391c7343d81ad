/** A drop of a source with a key, as a run lists it. */
export interface KeyedDrop {
  /** Key of the dropped object: of drops of one time the later name is the newer. */
  readonly drop: string;
  readonly dropId: string;
  readonly revision: string;
  readonly source: string;
  /** ms UTC. */
  readonly droppedAt: number;
  /** Clean rows of it, and withdrawn ones. */
  readonly lines: number;
  /** It has withdrawn rows alone: no clean object, and so no key file. */
  readonly withdrawn?: true;
}

/** What makes a version the newer one: the time of its drop, or what the source's expression gives. */
export type NewestBy = readonly ('drop' | 'version')[];

/** Everything that decides whose version of an event counts in a run. */
export interface Question {
  /** A drop's number is its place here. */
  readonly drops: readonly KeyedDrop[];
  /** By source; a source that is not named goes by the time of the drop. */
  readonly newestBy: Readonly<Record<string, NewestBy>>;
  /** Replaced lines are counted before this day. */
  readonly asOf: number;
  /** The states that the run wants to fold on from. */
  readonly snapshot?: {
    /** They hold the days before this one, … */
    readonly day: number;
    /** … as a run as of this day saw them … */
    readonly asOf: number;
    /** … in these drops. */
    readonly held: ReadonlySet<number>;
  };
  readonly shards: number;
}
