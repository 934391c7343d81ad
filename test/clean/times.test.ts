import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import {
  formatDay,
  instantOfLocal,
  offsetAt,
  parseInstant,
  shopClock,
  zoneRules,
} from '../../lib/data/index.ts';
import { ALL } from '../all.ts';
import { refusalOf, rowsIn } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const source: Source = {
  table: 'events',
  format: 'csv',
  csv: { columns: ['u', 't'] },
  columns: { user: 'u', time: 't', type: "'view'" },
  duplicates: 'keep',
};
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const BERLIN_TEN = '2024-07-01T10:00:00+02:00';

async function timesOf(texts: readonly string[], changes: Partial<Source> = {}, timeZone = 'Europe/Berlin') {
  const file = texts.map((text, i) => `u${i},${quoted(text)}\n`).join('');
  const read = await rowsIn(file, { ...source, ...changes } as Source, { timeZone, show: texts.length });
  const byUser = new Map(read.rows.map(({ user, time }) => [user, time]));
  return { times: texts.map((_, i) => byUser.get(`u${i}`) ?? null), ...read };
}

describe('a time in text', () => {
  it.each([
    ['2024-07-01 10:00:00', BERLIN_TEN],
    ['2024-07-01T10:00', BERLIN_TEN],
    ['2024/07/01 10:00', BERLIN_TEN],
    ['2024-7-1 10:00:00', BERLIN_TEN],
    [' 2024-07-01 10:00:00 ', BERLIN_TEN],
    ['2024-07-01', '2024-07-01T00:00:00+02:00'],
    ['2024-07-01T08:00:00Z', BERLIN_TEN],
    ['2024-07-01t08:00:00z', BERLIN_TEN],
    ['2024-07-01 08:00:00 UTC', BERLIN_TEN],
    ['2024-07-01 08:00:00 GMT', BERLIN_TEN],
    ['2024-07-01 08:00:00 Etc/UTC', BERLIN_TEN],
    ['2024-07-01 10:00:00+02', BERLIN_TEN],
    ['2024-07-01 10:00:00+0200', BERLIN_TEN],
    ['2024-07-01 10:00:00 +02:00', BERLIN_TEN],
    ['2024-07-01 03:00:00 -0500', BERLIN_TEN],
    ['2024-07-01 13:30:00 +05:30', BERLIN_TEN],
    ['2024-07-01 10:00:00 GMT+0200', BERLIN_TEN],
    ['2024-07-01 04:00:00 America/New_York', BERLIN_TEN],
    ['2024-07-01 13:30:00 Asia/Kolkata', BERLIN_TEN],
    ['2024-07-01T10:00:00+02:00[Europe/Berlin]', BERLIN_TEN],
    ['2024-07-01T10:00[Europe/Berlin]', BERLIN_TEN],
    ['20240701T080000Z', BERLIN_TEN],
    ['20240701T1000', BERLIN_TEN],
    ['Mon, 01 Jul 2024 10:00:00 +0200', BERLIN_TEN],
    ['1 Jul 2024 08:00 GMT', BERLIN_TEN],
    ['2024-07-01T08:00:00.1Z', '2024-07-01T10:00:00.100+02:00'],
    ['2024-07-01T08:00:00.123456789123Z', '2024-07-01T10:00:00.123+02:00'],
    ['2024-07-01 10:00:00,5', '2024-07-01T10:00:00.500+02:00'],
    ['2024-07-01 24:00:00', '2024-07-02T00:00:00+02:00'],
    ['2024-03-31 02:30:00', '2024-03-31T03:30:00+02:00'],
    ['2024-10-27 02:30:00', '2024-10-27T02:30:00+01:00'],
  ])('%j is %s in Berlin', async (text, expected) => {
    expect((await timesOf([text])).times).toEqual([expected]);
  });

  it.each([
    ...[
      '2024-02-30',
      '2024-13-01',
      '2024-07-01 25:00',
      '2024-07-01 10:60',
      '2024-07-01 10:00:60',
      '2024-07',
      '10:00',
    ],
    ...[
      '20240701',
      '1719828000',
      '01.07.2024',
      '7/1/2024',
      '2024-07-01 10:00 AM',
      'yesterday',
      'infinity',
      'epoch',
    ],
    ...[
      '2024-07-01 10:00:00 Mars/Olympus',
      '2024-07-01 10:00:00 +25:00',
      '2024-07-01 10:00:00 +2:0',
      '2024-07-01-05',
    ],
  ])('%j is none', async (text) => {
    const { quarantined, errors } = await timesOf([text]);
    expect(quarantined).toEqual({ 'time: no timestamp': 1 });
    expect(errors[0]?.reason).toBe(`time: "${text}" is no timestamp`);
  });

  it.each(['BST', 'IST', 'EST', 'EDT', 'CST', 'PDT', 'CET', 'CEST', 'MSK', 'ACT', 'AST', 'SST'])(
    'the abbreviation %s is told with the way out, and read where the config says what it means',
    async (zone) => {
      // given / when
      const without = await timesOf([`2024-07-01 10:00:00 ${zone}`, '2024-07-01 10:00:00']);
      const mapped = await timesOf([`2024-07-01 09:00:00 ${zone}`], {
        timeZones: { [zone]: 'Europe/London' },
      });
      const offset = await timesOf([`2024-07-01 09:00:00 ${zone}`], { timeZones: { [zone]: '+01:00' } });
      // then
      expect(without.quarantined).toEqual({ 'time: zone abbreviation': 1 });
      expect(without.errors[0]?.reason).toMatch(/means one zone here and another there.*timeZones/);
      expect([...mapped.times, ...offset.times]).toEqual([BERLIN_TEN, BERLIN_TEN]);
    },
  );

  it('an abbreviation is no zone of a config either', async () => {
    await expect(timesOf(['2024-07-01'], {}, 'BST')).rejects.toThrow(
      /shop.timeZone: given "BST", expected an IANA time zone/,
    );
    await expect(timesOf(['2024-07-01'], { timeZone: 'IST' })).rejects.toThrow(/no abbreviation/);
  });
});

describe('numbers since 1970 count a stated unit', () => {
  const SECOND = 1_719_820_800;

  it.each([
    ['s', `${SECOND}`, `${SECOND}.5`],
    ['ms', `${SECOND}000`, `${SECOND}500`],
    ['us', `${SECOND}000000`, `${SECOND}500000`],
    ['ns', `${SECOND}000000000`, `${SECOND}500000000`],
  ] as const)('%s: in text, and in an expression', async (epoch, whole, half) => {
    // given / when
    const text = await timesOf([whole, half], { epoch });
    const number = await timesOf([whole], { epoch, columns: { ...source.columns, time: 't::BIGINT' } });
    // then
    expect(text.times).toEqual([BERLIN_TEN, '2024-07-01T10:00:00.500+02:00']);
    expect(number.times).toEqual([BERLIN_TEN]);
  });

  it('milliseconds where none is stated, and never a guess', async () => {
    // given / when
    const columns = { ...source.columns, time: 't::BIGINT' };
    const read = await timesOf([`${SECOND}`, `${SECOND}000`, `${SECOND}000000`, `${SECOND}000000000`], {
      columns,
    });
    // then
    expect(read.times).toEqual([null, BERLIN_TEN, null, null]);
    expect(read.quarantined).toEqual({
      'time: before 1990': 1,
      'time: later than the drop': 1,
      'time: no timestamp': 1,
    });
    expect(read.errors[0]?.reason).toMatch(/counts milliseconds since 1970 unless the setting epoch says/);
  });

  it('that went through a float of 32 bits has lost its digits, and only such a number', async () => {
    // given: seconds that a float of 24 bits rounds to the next 128
    const asFloat = { epoch: 's', columns: { ...source.columns, time: 't::FLOAT' } } as const;
    // when
    const read = await timesOf(['1719820800', '1719820801.5'], asFloat);
    const double = await timesOf(['1719820801.5'], {
      ...asFloat,
      columns: { ...asFloat.columns, time: 't::DOUBLE' },
    });
    // then
    expect(read.quarantined).toEqual({ 'time: lost digits': 2 });
    expect(read.errors[0]?.reason).toMatch(/float of 7 digits: export it as a whole number/);
    expect(double.times).toEqual(['2024-07-01T10:00:01.500+02:00']);
  });

  it('valid_from goes by the rules of event times: what is known is never moved to 1970 or to the year 56301', async () => {
    // given
    const users = {
      table: 'users',
      format: 'csv',
      csv: { columns: ['u', 'v', 'k'] },
      columns: { user: 'u', valid_from: 'v::BIGINT' },
    } as const;
    const file = ['a,1714550400', 'b,1714550400000', 'c,1714550400000000', 'd,1714550400000000000']
      .map((l) => `${l},x\n`)
      .join('');
    const attributes = { categories: ['k'] };
    // when
    const ms = await rowsIn(file, { ...users, csv: { columns: ['u', 'v', 'k'] }, attributes });
    const seconds = await rowsIn(file, {
      ...users,
      csv: { columns: ['u', 'v', 'k'] },
      attributes,
      epoch: 's',
    });
    // then
    expect(ms.rows.map(({ user }) => user)).toEqual(['b']);
    expect(seconds.rows).toMatchObject([{ user: 'a', valid_from: '2024-05-01T10:00:00+02:00' }]);
    expect(ms.quarantined).toMatchObject({
      'valid_from: before 1990': 1,
      'valid_from: later than the drop': 1,
    });
  });
});

describe("a row's time depends on that row alone", () => {
  const FORMS = [
    ...[
      '2024-07-01 10:00:00',
      '2024-07-01',
      '2024-07-01T10:00:00Z',
      '2024-07-01 10:00:00 UTC',
      '2024-07-01 10:00:00+05:30',
    ],
    ...[
      '2024-07-01 10:00:00 America/New_York',
      '2024-07-01 10:00:00 Asia/Tokyo',
      '2024-07-01 10:00:00 -0800',
      '2024-07-01 10:00',
    ],
    ...[
      '2024-07-01 10:00:00 BST',
      'no time',
      '',
      'Mon, 01 Jul 2024 10:00:00 GMT',
      '2024-01-01 10:00:00',
      '2024-10-27 02:30:00',
    ],
  ];
  /** Every way in which a config can come to a time. */
  const EXPRESSIONS = [
    ...[
      't',
      't::TIMESTAMPTZ',
      'TRY_CAST(t AS TIMESTAMPTZ)',
      't::TIMESTAMP',
      'TRY_CAST(t AS TIMESTAMP)',
      't::DATE',
      'TRY_CAST(t AS DATE)',
    ],
    ...[
      "try_strptime(t, ['%Y-%m-%d %H:%M:%S %z', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d'])",
      "timezone('Asia/Tokyo', TRY_CAST(t AS TIMESTAMP))",
    ],
    ...[
      "TRY_CAST(t AS TIMESTAMPTZ) AT TIME ZONE 'Asia/Tokyo'",
      "date_trunc('hour', TRY_CAST(t AS TIMESTAMPTZ))",
    ],
    ...[
      'TRY_CAST(t AS TIMESTAMPTZ) + INTERVAL 1 HOUR',
      "coalesce(TRY_CAST(t AS TIMESTAMPTZ), TIMESTAMPTZ '2024-07-01 00:00:00+00')",
    ],
  ];

  it.each(EXPRESSIONS)('%s', async (time) => {
    // given forms by themselves, a file each: all of them, or every third and the first of the others in a file of many
    const columns = { ...source.columns, time };
    const single = FORMS.filter((_, i) => ALL || i % 3 === EXPRESSIONS.indexOf(time) % 3);
    const alone = new Map<string, unknown>();
    for (const form of single) alone.set(form, (await timesOf([form], { columns })).times[0]);
    const order = fc.array(fc.constantFrom(...FORMS), { minLength: 2500, maxLength: 2500, size: 'max' });
    for (const texts of fc.sample(order, { numRuns: 2, seed: 7 })) {
      // when they stand in one file, beyond the 2,048 rows that DuckDB works on together
      const { times } = await timesOf(texts, { columns });
      // then
      texts.forEach((text, i) => {
        if (!alone.has(text)) alone.set(text, times[i]);
      });
      expect(times).toEqual(texts.map((text) => alone.get(text)));
    }
    expect(alone.size).toBe(FORMS.length);
  });

  it('a cast to TIMESTAMP of text with a zone is the local time, not the clock without its zone', async () => {
    const columns = { ...source.columns, time: 't::TIMESTAMP' };
    expect((await timesOf(['2024-07-01T08:00:00Z', '2024-07-01 10:00:00'], { columns })).times).toEqual([
      BERLIN_TEN,
      BERLIN_TEN,
    ]);
  });
});

describe('one set of rules for zones', () => {
  const ZONES = [
    'Europe/Berlin',
    'America/New_York',
    'America/Vancouver',
    'Africa/Casablanca',
    'Asia/Kolkata',
    'Pacific/Apia',
    'Australia/Lord_Howe',
    'UTC',
  ];

  it.each(ZONES)('%s: files are read by the rules that days are counted by', async (zone) => {
    // given hours over the years around the changes of clocks
    const hours = fc.sample(
      fc.integer({ min: Date.UTC(1991, 0, 1) / 1_800_000, max: Date.UTC(2026, 4, 1) / 1_800_000 }),
      { numRuns: 300, seed: 3 },
    );
    const instants = [
      ...hours.map((half) => half * 1_800_000),
      ...zoneRules(zone)
        .transitions.filter((t) => t > Date.UTC(1991, 0, 1) && t < Date.UTC(2026, 4, 1))
        .flatMap((t) => [t - 1000, t]),
    ];
    const local = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
    const naive = instants.map((ms) => local(ms + offsetAt(zoneRules(zone), ms)));
    // when
    const read = await timesOf([...naive, ...instants.map((ms) => `${local(ms)} UTC`)], {}, zone);
    // then
    const clock = shopClock(zone);
    expect(read.clean).toBe(2 * instants.length);
    read.rows.forEach(({ time, day, hour }, i) => {
      const expected =
        i < instants.length
          ? instantOfLocal(zoneRules(zone), Date.parse(`${naive[i]}Z`))
          : instants[i - instants.length]!;
      expect(Date.parse(String(time))).toBe(expected);
      const { day: number, ...rest } = clock(expected);
      expect({ day, hour }).toEqual({ ...rest, day: formatDay(number) });
    });
  });

  it('what DuckDB reads by itself and what goes through parseInstant is one reading', async () => {
    // given every form that DuckDB reads by itself, with and without the fields that may be left out
    const two = (n: number) => String(n).padStart(2, '0');
    const day = fc
      .tuple(
        fc.integer({ min: 1991, max: 2026 }),
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 32 }),
      )
      .map(([y, m, d]) => `${y}-${two(m)}-${d}`);
    const clock = fc
      .tuple(
        fc.constantFrom('T', ' '),
        fc.integer({ min: 0, max: 25 }),
        fc.integer({ min: 0, max: 61 }),
        fc.option(fc.integer({ min: 0, max: 61 })),
        fc.option(fc.nat(1e9)),
      )
      .map(
        ([t, h, m, s, f]) =>
          `${t}${h}:${two(m)}${s === null ? '' : `:${two(s)}${f === null ? '' : `.${f}`}`}`,
      );
    const zone = fc.constantFrom('', 'Z', ' UTC', '+02:00', ' -0330', '+14', '+1559', '-16:00', ' +05:30');
    const text = fc.oneof(
      day,
      fc.tuple(day, clock, zone).map((parts) => parts.join('')),
    );
    const texts = fc.sample(text, { numRuns: 3000, seed: 11 });
    // when
    const { times } = await timesOf(texts);
    // then
    const reading = { zone: 'Europe/Berlin', abbreviations: {} };
    const latest = Date.UTC(2026, 5, 3);
    const expected = texts.map((one) => {
      const ms = parseInstant(one, reading);
      return ms === undefined || ms > latest ? null : ms;
    });
    const seen = times.map((time, i) => [texts[i], time === null ? null : Date.parse(String(time))]);
    expect(seen).toEqual(expected.map((ms, i) => [texts[i], ms]));
  });

  it('AT TIME ZONE goes by them too', async () => {
    // given a zone whose rules DuckDB's tz data hold otherwise from autumn 2026 on
    const columns = { ...source.columns, time: "timezone('America/Vancouver', TRY_CAST(t AS TIMESTAMP))" };
    const local = '2026-01-15 10:00:00';
    // when / then
    expect((await timesOf([local], { columns }, 'America/Vancouver')).times).toEqual(
      (await timesOf([local], {}, 'America/Vancouver')).times,
    );
  });

  it('a zone of a config that there is not is an error', async () => {
    expect(() => zoneRules('Mars/Olympus')).toThrow(/no time zone/);
    expect(
      await refusalOf('u,x\n', { ...source, columns: { ...source.columns, time: 'true' } } as Source),
    ).toMatch(/BOOLEAN, which is no time/);
  });
});
