import type { Links } from './links.ts';

/**
 * Whose an id is, as of a day. A question as of day c knows the links of days before c and no others, so the answer is a pure
 * function of that set: neither the order in which links were dropped nor how files were cut can show.
 *
 * - An id with no link is itself.
 * - An id whose links all end at one id is that one: chains are followed to their end.
 * - An id whose links end at several is of nobody else ("several users"): from the day on which the second one is known.
 * - An id on a circle of links is of nobody else ("circle"), nor is one whose chain is longer than `MOST_LINKS`.
 */

/** Why an id is nobody else's although it is linked. */
export type Refusal = 'several users' | 'circle' | 'long chain';

/** From a day on, up to the next segment's, questions take an id for `root`. */
export interface Segment {
  readonly since: number;
  /** Number of an id: its own where it is a user by itself. */
  readonly root: number;
  readonly why?: Refusal;
}

/** Longest chain that is followed. */
const MOST_LINKS = 32;
/** Links that are looked at for one answer: only a tangle has as many. */
const MOST_STEPS = 10_000;

/** Whose an id is, over time: segments in ascending order, none before the first link of it or behind it. */
export function timelineOf(links: Links, id: number): Segment[] {
  const segments: Segment[] = [];
  let last: Omit<Segment, 'since'> = { root: id };
  for (const since of changes(links, id)) {
    const found = resolve(links, id, since);
    if (found.root !== last.root || found.why !== last.why) segments.push({ since, ...found });
    last = found;
    if (found.why === 'several users' && isSettled(links, id, since)) break;
  }
  return segments;
}

/** Days from which on another answer may be given: behind those of all links that the id leads to. */
function changes(links: Links, id: number): number[] {
  const days = new Set<number>();
  const met = new Set([id]);
  for (const own of met) {
    for (const { to, day } of links.of(own)) {
      days.add(day + 1);
      met.add(to);
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** Two targets that are never linked further remain two, whatever comes: a device of thousands needs no look at each day. */
function isSettled(links: Links, id: number, day: number): boolean {
  return links.of(id).filter((link) => link.day < day && !links.isLinked(link.to)).length > 1;
}

/** Whose an id is, as of a day. */
export function resolve(links: Links, id: number, day: number): Omit<Segment, 'since'> {
  const place = new Map<number, number>();
  const known = new Map<number, number>();
  let steps = 0;
  let why: Refusal | undefined;
  /** The end of an id's links, or as `{ loop }` the place on the path that they come back to; undefined: too long. */
  const follow = (at: number): { end: number } | { loop: number } | undefined => {
    const depth = place.get(at);
    if (depth !== undefined) return { loop: depth };
    const end = known.get(at);
    if (end !== undefined) return { end };
    const own = place.size;
    if (own > MOST_LINKS || steps++ > MOST_STEPS) return undefined;
    place.set(at, own);
    const ends = new Set<number>();
    let loop = own + 1;
    let long = false;
    for (const link of links.of(at)) {
      if (link.day >= day) continue;
      const found = follow(link.to);
      if (!found) long = true;
      else if ('loop' in found) loop = Math.min(loop, found.loop);
      else ends.add(found.end);
    }
    place.delete(at);
    if (long) return undefined;
    if (loop < own) return { loop };
    const [first = at] = ends;
    if (own === 0) why = loop === own ? 'circle' : ends.size > 1 ? 'several users' : undefined;
    const root = loop === own || ends.size > 1 ? at : first;
    known.set(at, root);
    return { end: root };
  };
  const found = follow(id);
  if (!found || !('end' in found)) return { root: id, why: 'long chain' };
  return { root: found.end, ...(why === undefined ? {} : { why }) };
}
