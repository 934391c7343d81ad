import { offsetAt, zoneRules } from '../data/index.ts';

/** '2024-07-01T10:00:00+02:00': an instant (ms) as the clocks of a zone show it. */
export function localTime(ms: number, zone: string): string {
  const offset = offsetAt(zoneRules(zone), ms);
  const text = new Date(ms + offset).toISOString().replace('.000Z', '').replace('Z', '');
  const minutes = Math.abs(offset) / 60_000;
  const pad = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return `${text}${offset < 0 ? '-' : '+'}${pad(minutes / 60)}:${pad(minutes % 60)}`;
}
