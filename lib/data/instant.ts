import { fixedOffset, instantOfLocal, isZoneName, zoneRules } from './zones.ts';

/** How a source's times are read. */
export interface TimeReading {
  /** Of times that carry no zone: an IANA name. */
  readonly zone: string;
  /** What abbreviations mean at this shop: { BST: 'Europe/London' }, or an offset such as '+01:00'. */
  readonly abbreviations: Readonly<Record<string, string>>;
  /** The unit of plain numbers since 1970; without it a number in a text is no time. */
  readonly epoch?: EpochUnit | undefined;
}

/** Milliseconds of a unit of epoch times. */
export const EPOCH_UNITS = { s: 1000, ms: 1, us: 0.001, ns: 0.000001 } as const;
export type EpochUnit = keyof typeof EPOCH_UNITS;

const DATE = String.raw`(?<year>\d{4})(?<sep>[-/])(?<month>\d{1,2})\k<sep>(?<day>\d{1,2})`;
const CLOCK = String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?`;
const ISO = new RegExp(`^${DATE}(?:(?:[Tt]| +)${CLOCK}(?<zone>.*))?$`);
/** ISO 8601 without separators, which is a number where it lacks the T. */
const BASIC =
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})[Tt](?<hour>\d{2})(?<minute>\d{2})(?:(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?(?<zone>.*)$/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** RFC 2822, section 3.3: 'Mon, 01 Jul 2024 10:00:00 +0200'. */
const MAIL = new RegExp(
  `^(?:[A-Za-z]{3}, *)?(?<day>\\d{1,2}) +(?<name>[A-Za-z]{3}) +(?<year>\\d{4}) +${CLOCK}(?<zone>.*)$`,
);

/**
 * The instant of a text, ms since 1970 UTC; undefined for a text that is no time. Read are ISO 8601 (extended, with `/`
 * too, and basic with a T), RFC 2822, and plain numbers where the unit is stated. Behind the clock may stand Z, UTC, GMT,
 * an offset (+02:00, -0500, with a blank or GMT before it), a zone's IANA name (also in brackets, as Java writes it), or an
 * abbreviation that `abbreviations` explains. Fractions of a second of any length count down to the millisecond.
 */
export function parseInstant(text: string, reading: TimeReading): number | undefined {
  const trimmed = text.trim();
  if (reading.epoch && /^[+-]?\d+(\.\d+)?$/.test(trimmed)) return epochMs(trimmed, reading.epoch);
  const parts = (ISO.exec(trimmed) ?? BASIC.exec(trimmed) ?? MAIL.exec(trimmed))?.groups;
  if (!parts) return undefined;
  const local = localTime(parts);
  if (local === undefined) return undefined;
  const zone = (parts.zone ?? '').trim();
  if (zone === '') return instantOfLocal(zoneRules(reading.zone), local);
  const offset = offsetOf(zone, reading.abbreviations, local);
  return offset === undefined ? undefined : local - offset;
}

/** ms since 1970 of a plain number, whose digits may be more than a double holds. */
function epochMs(text: string, unit: EpochUnit): number | undefined {
  const [whole = '', fraction = ''] = text.split('.');
  const scale = { s: 3, ms: 0, us: -3, ns: -6 }[unit];
  const digits =
    scale >= 0 ? `${whole}${fraction.slice(0, scale).padEnd(scale, '0')}` : whole.slice(0, scale) || '0';
  const ms = Number(/^[+-]?$/.test(digits) ? '0' : digits);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

function localTime(parts: Record<string, string | undefined>): number | undefined {
  const number = (name: string) => Number(parts[name] ?? 0);
  const year = number('year');
  const month = parts.name === undefined ? number('month') : MONTHS.indexOf(parts.name.toLowerCase()) + 1;
  const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map(number) as [
    number,
    number,
    number,
    number,
  ];
  const ms = Number((parts.fraction ?? '').slice(0, 3).padEnd(3, '0'));
  const wholeDay = hour === 24 && minute === 0 && second === 0 && ms === 0;
  if (month < 1 || month > 12 || (hour > 23 && !wholeDay) || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month - 1) return undefined;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
}

/** The offset (ms) that a zone's text means at a local time; undefined where it means none, or several. */
function offsetOf(
  text: string,
  abbreviations: Readonly<Record<string, string>>,
  local: number,
): number | undefined {
  // Java: 2024-07-01T10:00+02:00[Europe/Berlin]. The offset decides; a zone alone in brackets is that zone.
  const bracketed = /^(.*)\[([^\]]+)\]$/.exec(text);
  const zone = bracketed ? bracketed[1]!.trim() || bracketed[2]!.trim() : text;
  const offset = fixedOffset(zone.replace(/^(?:GMT|UTC)(?=[+-])/i, ''));
  if (offset !== undefined) return offset;
  const named = Object.hasOwn(abbreviations, zone) ? abbreviations[zone]! : zone;
  if (fixedOffset(named) === undefined && !isZoneName(named)) return undefined;
  return local - instantOfLocal(zoneRules(named), local);
}
