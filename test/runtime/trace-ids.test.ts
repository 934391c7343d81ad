import { describe, expect, it } from 'vitest';
import { nightOf, nightTrace, runSegment, runTrace } from '../../lib/runtime/index.ts';

const shopIn = (timeZone: string, deadline = '05:00') => ({
  shop: { name: 'shop', timeZone },
  nightly: { deadline },
});

describe('the night that a moment is for', () => {
  it.each([
    ['Europe/London', '2026-01-10T04:59:59Z', '2026-01-10'],
    ['Europe/London', '2026-01-10T05:00:00Z', '2026-01-11'],
    ['Europe/London', '2026-01-09T23:30:00Z', '2026-01-10'],
    ['Asia/Tokyo', '2026-01-09T19:59:00Z', '2026-01-10'],
    ['Asia/Tokyo', '2026-01-09T20:00:00Z', '2026-01-11'],
    ['Pacific/Honolulu', '2026-01-10T14:59:00Z', '2026-01-10'],
    ['Pacific/Honolulu', '2026-01-10T15:00:00Z', '2026-01-11'],
    // Clocks are set forward at 01:00 UTC, and back in October.
    ['Europe/Berlin', '2026-03-29T02:59:00Z', '2026-03-29'],
    ['Europe/Berlin', '2026-03-29T03:00:00Z', '2026-03-30'],
    ['Europe/Berlin', '2026-10-25T03:59:00Z', '2026-10-25'],
    ['Europe/Berlin', '2026-10-25T04:00:00Z', '2026-10-26'],
  ])('in %s, %s is that of %s', (timeZone, at, day) => {
    expect(nightOf(shopIn(timeZone), new Date(at))).toBe(day);
  });

  it('ends at its own deadline, also one that the clocks skip or show twice', () => {
    const berlin = shopIn('Europe/Berlin', '02:30');
    // 02:30 is read as 03:30 in spring, and as the later one in autumn.
    const spring = ['2026-03-29T01:29:00Z', '2026-03-29T01:30:00Z'];
    const autumn = ['2026-10-25T01:29:00Z', '2026-10-25T01:30:00Z'];
    expect(spring.map((at) => nightOf(berlin, new Date(at)))).toEqual(['2026-03-29', '2026-03-30']);
    expect(autumn.map((at) => nightOf(berlin, new Date(at)))).toEqual(['2026-10-25', '2026-10-26']);
  });
});

describe('trace ids', () => {
  const london = shopIn('Europe/London');

  it('have the form of X-Ray, and the time at which the night may begin to gather', () => {
    const id = nightTrace('prod', london, '2026-07-02');
    expect(id).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    // The midnight of the day before, in summer time.
    expect(new Date(Number.parseInt(id.slice(2, 10), 16) * 1000).toISOString()).toBe(
      '2026-06-30T23:00:00.000Z',
    );
  });

  it('lie before whatever belongs to the night, in every zone and on days of a clock change', () => {
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Honolulu', 'America/Sao_Paulo', 'Europe/Berlin']) {
      for (let day = Date.UTC(2026, 2, 20); day < Date.UTC(2026, 3, 10); day += 3_600_000) {
        const shop = shopIn(zone, '00:05');
        const time = Number.parseInt(nightTrace('prod', shop, nightOf(shop, new Date(day))).slice(2, 10), 16);
        const age = day / 1000 - time;
        expect(age).toBeGreaterThanOrEqual(0);
        expect(age).toBeLessThan(3 * 86_400);
      }
    }
  });

  it('are equal for all work of a night, and for nothing else', () => {
    const of = (environment: string, name: string, day: string) =>
      nightTrace(environment, { shop: { name, timeZone: 'UTC' } }, day);
    expect(of('prod', 'shop', '2026-07-02')).toBe(of('prod', 'shop', '2026-07-02'));
    const others = [
      of('dev', 'shop', '2026-07-02'),
      of('prod', 'b', '2026-07-02'),
      of('prod', 'shop', '2026-07-03'),
    ];
    expect(new Set([of('prod', 'shop', '2026-07-02'), ...others]).size).toBe(4);
  });

  it('of a past day are of the time at which its run was planned', () => {
    const id = runTrace('prod', '2020-01-01-0123', new Date('2026-07-02T10:00:00.900Z'));
    expect(id).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
    expect(Number.parseInt(id.slice(2, 10), 16)).toBe(Date.UTC(2026, 6, 2, 10) / 1000);
    expect(runSegment('2020-01-01-0123')).toMatch(/^[0-9a-f]{16}$/);
  });
});
