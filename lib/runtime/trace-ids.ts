import { DAY_MS, formatDay, instantOfLocal, parseDay, sha256, shopClock, zoneRules } from '../data/index.ts';

/** What of a config says which night a moment belongs to. */
export interface ShopNights {
  readonly shop: { readonly name: string; readonly timeZone: string };
  readonly nightly: { readonly deadline: string };
}

/**
 * The as-of day of the night that what happens at a moment is for: that of its own shop day until the night's deadline, the
 * next one from then on.
 * @returns 'YYYY-MM-DD'
 */
export function nightOf({ shop, nightly }: ShopNights, at: Date): string {
  const rules = zoneRules(shop.timeZone);
  const { day } = shopClock(shop.timeZone)(at.getTime());
  const [hours, minutes] = nightly.deadline.split(':').map(Number);
  const deadline = instantOfLocal(rules, day * DAY_MS + (hours! * 60 + minutes!) * 60_000);
  return formatDay(at.getTime() < deadline ? day : day + 1);
}

/**
 * The trace of all work for a night: equal for all who know the environment, the shop and the day, so that nobody has to hand
 * it on. Its time is the shop midnight before the first drop that the night may wait for.
 * @param asOf 'YYYY-MM-DD'
 * @returns an id as X-Ray has them
 */
export function nightTrace(environment: string, { shop }: Pick<ShopNights, 'shop'>, asOf: string): string {
  const start = instantOfLocal(zoneRules(shop.timeZone), (parseDay(asOf) - 1) * DAY_MS);
  return traceId(start, ['night', environment, shop.name, asOf]);
}

/**
 * The trace of a run that is apart from its night, as a past day's is.
 * @param planned when its manifest was written
 */
export function runTrace(environment: string, runId: string, planned: Date): string {
  return traceId(planned.getTime(), ['run', environment, runId]);
}

/** The segment of the call that started a run; those of its jobs stand below it. 16 hex digits. */
export function runSegment(runId: string): string {
  return sha256(`segment ${runId}`).slice(0, 16);
}

function traceId(ms: number, parts: readonly string[]): string {
  const seconds = Math.floor(ms / 1000)
    .toString(16)
    .padStart(8, '0');
  return `1-${seconds}-${sha256(JSON.stringify(parts)).slice(0, 24)}`;
}
