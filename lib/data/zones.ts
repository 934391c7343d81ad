import { DataError } from './errors.ts';

/**
 * UTC offsets of a time zone over time. Node's own tz data is the one source of them: what reads times in SQL is given
 * these very numbers (`lib/clean`), so that a shop's days are the same on both sides whatever tz data DuckDB carries.
 */
export interface ZoneRules {
  /** Instants (ms UTC, ascending) from which on another offset holds. */
  readonly transitions: readonly number[];
  /** Offsets from UTC in ms; `offsets[i]` holds before `transitions[i]`, the last one after all of them. */
  readonly offsets: readonly number[];
}

/** Nothing that a shop sells lies outside; beyond these years the first and the last offset hold. */
const FIRST = Date.UTC(1989, 0, 1);
const LAST = Date.UTC(2050, 0, 1);
/** No zone changed its clocks twice within so few days since 1989. */
const STEP = 4 * 86_400_000;

const known = new Map<string, ZoneRules>();

/**
 * The rules of an IANA zone ('Europe/Berlin', 'UTC') or of a fixed offset ('+02:00', '-0530').
 * @throws DataError for anything else, abbreviations included: 'IST' means three zones, 'BST' two
 */
export function zoneRules(zone: string): ZoneRules {
  let rules = known.get(zone);
  if (!rules) {
    const fixed = fixedOffset(zone);
    if (fixed === undefined && !isZoneName(zone)) {
      throw new DataError(
        `"${zone}" is no time zone: give an IANA name such as Europe/London, UTC, or an offset such as +02:00`,
      );
    }
    rules = fixed === undefined ? probe(zone) : { transitions: [], offsets: [fixed] };
    known.set(zone, rules);
  }
  return rules;
}

/**
 * Whether a text names one zone and no other: an Area/City name that Node's tz data know, UTC or GMT. Abbreviations are
 * none, although the tz data take some of them for places (BST is Dhaka there, IST Calcutta).
 */
export function isZoneName(zone: string): boolean {
  if (/^(UTC|GMT|Z)$/i.test(zone)) return true;
  if (!/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The offset in ms of '+02:00', '-0530' or '+2'; undefined for any other text. */
export function fixedOffset(text: string): number | undefined {
  const match = /^([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(text);
  if (!match) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  if (minutes >= 16 * 60 || Number(match[3] ?? 0) > 59) return undefined;
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}

/** Offset from UTC that holds at an instant, ms. */
export function offsetAt({ transitions, offsets }: ZoneRules, instant: number): number {
  return offsets[upperBound(transitions, instant)]!;
}

/** Local times (ms, as if they were UTC) from which on another offset is used to find their instant. */
export function localTransitions({ transitions, offsets }: ZoneRules): number[] {
  return transitions.map((instant, i) => instant + offsets[i + 1]!);
}

/**
 * The instant of a local time. One that the change to summer time skips is read as if the clocks had not changed yet (an
 * hour later); one that occurs twice means the later.
 * @param local ms, as if the local time were UTC
 */
export function instantOfLocal(rules: ZoneRules, local: number): number {
  return local - rules.offsets[upperBound(localTransitions(rules), local)]!;
}

/** How many of the ascending values are not above `value`. */
function upperBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function probe(zone: string): ZoneRules {
  const offset = offsetReader(zone);
  const transitions: number[] = [];
  const offsets = [offset(FIRST)];
  for (let start = FIRST; start < LAST; start += STEP) {
    const before = offsets.at(-1)!;
    const after = offset(start + STEP);
    if (after === before) continue;
    let low = start;
    let high = start + STEP;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offset(middle) === before) low = middle;
      else high = middle;
    }
    transitions.push(high);
    offsets.push(after);
  }
  return { transitions, offsets };
}

function offsetReader(timeZone: string): (ms: number) => number {
  const zone = /^z$/i.test(timeZone) ? 'UTC' : timeZone;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    timeZoneName: 'longOffset',
    year: 'numeric',
  });
  return (ms) => {
    // '2024, GMT+02:00', and '2024, GMT' for zero.
    const text = format.format(ms);
    return fixedOffset(text.slice(text.indexOf('GMT') + 3)) ?? 0;
  };
}
