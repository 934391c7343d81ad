import { shardOf, userHash } from '../../data/index.ts';
import type { Links } from './links.ts';
import { type Refusal, resolve, type Segment, timelineOf } from './resolve.ts';

/**
 * What links mean for the day rows of a run: which rows of an id count for which others, and from when. A row of id p on day t
 *
 * - belongs to x's *features* as of c, where p is x's as of c, whenever the row came;
 * - counts once, for whom p is as of t + 1: the links that were known when its day was over;
 * - is part of x's *outcomes*, where p and x are the same as of t + 1. So the purchase at which a visitor became known is an
 *   outcome of the visitor, too, who was an id of its own the day before, and no link of later days decides about it.
 */

/** "Never", and "for ever", as shop days. */
const NEVER = 2 ** 31 - 1;
const ALWAYS = -(2 ** 31);

/** A row goes to an id; marks have no entries. */
export const KIND = {
  /** The row counts once, and counts here. */
  counts: 1,
  /** An outcome of this id, and counted elsewhere. */
  outcome: 2,
  /** A row of the id itself that a snapshot held, needed where the states of the snapshot no longer serve. */
  held: 4,
  /** Mark: the id is a user by itself as of [since, until). */
  own: 8,
  /** Mark: the snapshot knew the id's events by other links. */
  changed: 16,
} as const;

/** Where a row goes. */
export interface Move {
  readonly user: string;
  readonly hash: number;
  /** Features as of [since, until) have it. */
  readonly since: number;
  readonly until: number;
  readonly kind: number;
}

/** Numbers for people. */
export interface Tally {
  /** Ids that are another user's as of the end, and users that have such. */
  readonly joined: number;
  readonly users: number;
  /** Linked ids that are nobody else's, by why. */
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
}

interface Member {
  readonly id: number;
  readonly since: number;
  readonly until: number;
}

/** The states that a run wants to fold on from. */
interface Held {
  /** They hold the days before this one, … */
  readonly day: number;
  /** … as a run as of this day saw them … */
  readonly asOf: number;
  /** … by these links. */
  readonly links: Links;
  /** Does it hold other versions of events than those that count, of ids of a shard? */
  readonly isStale: (shard: number) => boolean;
}

/** The joins of a run, from its links. */
export class Joins {
  readonly #links: Links;
  readonly #hashes: Uint32Array;
  readonly #before: number;
  readonly #horizon: number;
  readonly #snapshotDay: number | undefined;
  readonly #timelines = new Map<number, readonly Segment[]>();
  readonly #members = new Map<number, Member[]>();
  readonly #changed = new Set<number>();

  /**
   * @param links that became known before `before`
   * @param horizon the longest label window, in days
   * @param shards of the run
   */
  constructor(links: Links, before: number, horizon: number, shards: number, snapshot?: Held) {
    this.#links = links;
    this.#hashes = Uint32Array.from(links.ids, userHash);
    this.#before = before;
    this.#horizon = horizon;
    this.#snapshotDay = snapshot?.day;
    for (const id of links.linked()) {
      const segments = timelineOf(links, id);
      this.#timelines.set(id, segments);
      for (const [i, { since, root }] of segments.entries()) {
        if (root === id) continue;
        const members = this.#members.get(root) ?? [];
        this.#members.set(root, members);
        members.push({ id, since, until: segments[i + 1]?.since ?? NEVER });
      }
      if (snapshot) this.#compare(id, shards, snapshot);
    }
  }

  tally(): Tally {
    const users = new Set<number>();
    const refused: Partial<Record<Refusal, number>> = {};
    let joined = 0;
    for (const [id, segments] of this.#timelines) {
      const { root = id, why } = segments.at(-1) ?? {};
      if (root !== id) {
        joined++;
        users.add(root);
      }
      if (why) refused[why] = (refused[why] ?? 0) + 1;
    }
    return { joined, users: users.size, refused };
  }

  /** Linked ids that are nobody else's as of the end, and since when. */
  *refused(): Generator<{ id: string; since: number; why: Refusal }> {
    for (const [id, segments] of this.#timelines) {
      const last = segments.at(-1);
      if (last?.why) yield { id: this.#links.ids[id]!, since: last.since, why: last.why };
    }
  }

  /** Has any linked id, or any user that has such, its rows in a shard? */
  concerns(shard: number, shards: number): boolean {
    const within = (id: number) => shardOf(this.#hashes[id]!, shards) === shard;
    for (const id of this.#timelines.keys()) if (within(id)) return true;
    for (const id of this.#members.keys()) if (within(id)) return true;
    return false;
  }

  /** The marks of the ids of a shard. */
  *marks(shard: number, shards: number): Generator<Move> {
    const within = (id: number) => shardOf(this.#hashes[id]!, shards) === shard;
    for (const [id, segments] of this.#timelines) {
      if (!within(id)) continue;
      const to = this.#place(id);
      let since = ALWAYS;
      for (const segment of segments) {
        if (segment.root === id) since = Math.min(since, segment.since);
        else {
          if (since !== NEVER) yield { ...to, since, until: segment.since, kind: KIND.own };
          since = NEVER;
        }
      }
      if (since !== NEVER) yield { ...to, since, until: NEVER, kind: KIND.own };
    }
    for (const id of this.#changed) {
      if (within(id)) yield { ...this.#place(id), since: NEVER, until: NEVER, kind: KIND.changed };
    }
  }

  /** Where the rows of an id go, by their day; undefined where no link concerns it. */
  movesOf(user: string): ((day: number) => Move[]) | undefined {
    const id = this.#links.number(user);
    if (id === undefined) return undefined;
    const segments = this.#timelines.get(id) ?? [];
    const held = this.#changed.has(id) ? this.#snapshotDay! : Number.NEGATIVE_INFINITY;
    return (day) => {
      const moves: Move[] = [];
      if (day < held) moves.push({ ...this.#place(id), since: NEVER, until: NEVER, kind: KIND.held });
      const now = rootAt(segments, id, day + 1);
      for (const [i, { since, root }] of segments.entries()) {
        if (root === id) continue;
        const until = segments[i + 1]?.since ?? NEVER;
        const counts = since <= day + 1 && day + 1 < until;
        moves.push({ ...this.#place(root), since, until, kind: counts ? KIND.counts : 0 });
      }
      for (const { id: other, since, until } of this.#members.get(now) ?? []) {
        // A window that began when the other one was an id of its own reaches this far.
        if (other === id || since > day + 1 || day + 1 >= until || day >= since - 1 + this.#horizon) continue;
        moves.push({ ...this.#place(other), since: NEVER, until: NEVER, kind: KIND.outcome });
      }
      return moves;
    };
  }

  #place(id: number): { user: string; hash: number } {
    return { user: this.#links.ids[id]!, hash: this.#hashes[id]! };
  }

  /** Notes whose events a snapshot has joined otherwise than they are by now, or has joined in other versions. */
  #compare(id: number, shards: number, { asOf, links, isStale }: Held): void {
    const name = this.#links.ids[id]!;
    const known = links.number(name);
    const before = known === undefined ? name : links.ids[resolve(links, known, asOf).root]!;
    const now = this.#links.ids[rootAt(this.#timelines.get(id)!, id, this.#before)]!;
    if (before === now && !isStale(shardOf(this.#hashes[id]!, shards))) return;
    for (const one of [name, before, now]) this.#changed.add(this.#links.number(one)!);
  }
}

/** Whose an id is as of a day, by its timeline. */
function rootAt(segments: readonly Segment[], id: number, day: number): number {
  return segments.findLast(({ since }) => since <= day)?.root ?? id;
}
