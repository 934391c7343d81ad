import { describe, expect, it } from 'vitest';
import { inControl, parseDay } from '../../lib/data/index.ts';
import { type Lift, measureLift } from '../../lib/lift/index.ts';
import { buildManifest, currentKey, putManifest, scoresKey, taskGroups } from '../../lib/run/index.ts';
import { encodeScores } from '../../lib/score/index.ts';
import { pseudonyms } from '../clean/stored.ts';
import { csv, EVENTS, iso, liftConfig, madeUp, type Shop, START, shopOf, TREATMENTS } from './shop.ts';

const ask = (shop: Shop, changes: Partial<Parameters<typeof measureLift>[0]> = {}): Promise<Lift> =>
  measureLift({ ...shop, campaign: 'spring', event: 'purchase', days: 14, ...changes });

const within = ({ low, high }: { low: number; high: number }, truth: number) => {
  expect(low).toBeLessThan(truth);
  expect(high).toBeGreaterThan(truth);
};

describe('a campaign whose effect is known', () => {
  it('is measured within its intervals, and closer with what was known before', async () => {
    // given 3,000 users, half of them treated by a coin
    const { events, treatments, truth } = madeUp(3000);
    const shop = await shopOf({
      'log/all.csv': csv(EVENTS, events),
      'campaigns/spring.csv': csv(TREATMENTS, treatments),
    });
    // when
    const lift = await ask(shop);
    // then
    const [mail] = lift.lifts;
    const { conversion, money, adjusted } = mail!;
    within(conversion.difference, truth.conversion);
    within(money.difference, truth.money);
    within(adjusted.conversion.difference, truth.conversion);
    within(adjusted.money.difference, truth.money);
    expect(conversion.pValue).toBeLessThan(0.01);
    expect(adjusted.money.varianceReduction).toBeGreaterThan(0.15);
    expect(adjusted.money.standardError).toBeLessThan(money.standardError);
    // and the arms are those of the file
    expect(lift.control).toEqual({ arm: 'control', from: 'arm' });
    expect(lift.arms.map(({ arm, users }) => [arm, users])).toEqual(
      ['control', 'mail'].map((arm) => [arm, treatments.filter((line) => line.includes(`,${arm},`)).length]),
    );
    expect(lift.windows).toEqual({ first: '2025-03-01', last: '2025-03-02' });
    expect([lift.sampleRatio.mismatch, lift.leftOut, lift.warnings]).toEqual([false, [], []]);
    // and no user is named
    expect(JSON.stringify(lift)).not.toContain('user-');
  });

  it('agrees with sums over the lines of the files', async () => {
    // given
    const { events, treatments } = madeUp(400);
    const shop = await shopOf({
      'log/all.csv': csv(EVENTS, events),
      'campaigns/spring.csv': csv(TREATMENTS, treatments),
    });
    // when
    const { arms } = await ask(shop, { days: 9 });
    // then
    const lines = events.map((line) => line.split(','));
    for (const { arm, users, converted, moneyPerUser } of arms) {
      const own = treatments.map((line) => line.split(',')).filter((fields) => fields[2] === arm);
      const spent = own.map(([user, , , at]) => {
        const begin = Date.parse(at!);
        return lines
          .filter(([who, time]) => {
            const ms = Date.parse(time!);
            return who === user && ms >= begin && ms < begin + 9 * 86_400_000;
          })
          .map(([, , , amount]) => Number(amount));
      });
      expect(users).toBe(own.length);
      expect(converted).toBe(spent.filter(({ length }) => length > 0).length);
      expect(moneyPerUser).toBeCloseTo(spent.flat().reduce((sum, x) => sum + x, 0) / users, 8);
    }
  });

  it('is the same in whatever files and order the rows come', async () => {
    // given
    const { events, treatments } = madeUp(300);
    const whole = await shopOf({
      'log/all.csv': csv(EVENTS, events),
      'campaigns/spring.csv': csv(TREATMENTS, treatments),
    });
    const cut = await shopOf({
      'log/b.csv': csv(EVENTS, events.slice(0, 700).toReversed()),
      'log/a.csv': csv(EVENTS, events.slice(700)),
      'campaigns/1.csv': csv(TREATMENTS, treatments.slice(100)),
      // Told again by a later file
      'campaigns/2.csv': csv(TREATMENTS, treatments.toReversed().slice(20)),
      'campaigns/3.csv': csv(TREATMENTS, treatments.slice(0, 100)),
    });
    // when / then
    expect(await ask(cut)).toEqual(await ask(whole));
  });

  it('a split that was not intended, and arms that were unlike before, are told', async () => {
    // given: whoever buys often is mostly treated
    const bought = new Map<string, number>();
    for (const line of madeUp(2000, () => undefined).events) {
      const [user, time] = line.split(',') as [string, string];
      if (Date.parse(time) < START) bought.set(user, (bought.get(user) ?? 0) + 1);
    }
    const { events, treatments } = madeUp(2000, (user) => ((bought.get(user) ?? 0) > 1 ? 'mail' : 'control'));
    const shop = await shopOf({
      'log/all.csv': csv(EVENTS, events),
      'campaigns/spring.csv': csv(TREATMENTS, treatments),
    });
    // when
    const { sampleRatio, warnings } = await ask(shop);
    const [control, mail] = sampleRatio.expected;
    // then
    expect([sampleRatio.mismatch, control]).toEqual([true, mail]);
    expect(warnings.join('\n')).toContain('do not fit the intended split');
    expect(warnings.join('\n')).toContain('mail and control spent differently already before the treatment');
  });
});

describe('windows', () => {
  /** Sixty users an arm, all treated on a morning in New York, two weeks over the change of clocks. */
  const AT = '2025-03-05 10:00:00';
  const users = (arm: string) => Array.from({ length: 60 }, (_, i) => `${arm}${i}`);
  const treated = ['control', 'mail'].flatMap((arm) =>
    users(arm).map((user) => `${user},spring,${arm},${AT}`),
  );
  const plain = ['2025-01-05', '2025-04-20'].map((day) => `passer-by,${day} 23:00:00,view,`);
  const planted = async (events: readonly string[], treatments: readonly string[] = treated) =>
    shopOf(
      {
        'log/all.csv': csv(EVENTS, [...plain, ...events]),
        'campaigns/all.csv': csv(TREATMENTS, treatments),
      },
      liftConfig('America/New_York'),
    );
  const mailOf = ({ arms }: Lift) => arms.find(({ arm }) => arm === 'mail')!;

  it('begin with the treatment and end at the same time of the clock; what lies outside does not count', async () => {
    // given events a second inside and a second outside of both ends
    const shop = await planted([
      'mail0,2025-03-05 09:59:59,purchase,1000',
      'mail1,2025-03-05 10:00:00,purchase,1',
      'mail2,2025-03-19 09:59:59,purchase,2',
      'mail3,2025-03-19 10:00:00,purchase,1000',
      'mail4,2025-03-10 12:00:00,view,',
      'stranger,2025-03-10 12:00:00,purchase,1000',
    ]);
    // when
    const lift = await ask(shop);
    // then
    expect(mailOf(lift)).toEqual({
      arm: 'mail',
      users: 60,
      converted: 2,
      conversion: 2 / 60,
      moneyPerUser: 3 / 60,
    });
    expect(lift.arms[0]).toMatchObject({ converted: 0, moneyPerUser: 0 });
    expect(lift.lifts[0]!.conversion.ratio).toBeNull();
    expect(lift.warnings.join()).toContain('hardly anybody converted');
  });

  it('other events convert, and money stays that of purchases', async () => {
    const shop = await planted(['mail4,2025-03-10 12:00:00,view,', 'mail5,2025-03-10 12:00:00,purchase,7']);
    expect(mailOf(await ask(shop, { event: 'view' }))).toMatchObject({ converted: 1, moneyPerUser: 7 / 60 });
  });

  it('a day that is given begins them all', async () => {
    const shop = await planted([
      'mail1,2025-03-04 00:00:00,purchase,1',
      'mail2,2025-03-03 23:59:59,purchase,2',
    ]);
    const lift = await ask(shop, { from: parseDay('2025-03-04'), days: 1 });
    expect(mailOf(lift)).toMatchObject({ converted: 1, moneyPerUser: 1 / 60 });
    expect(lift.windows).toEqual({ first: '2025-03-04', last: '2025-03-04' });
    expect(lift.warnings).toContain('120 users were treated before the window that is measured, or after it');
  });

  it('what happens after the treatment is no covariate', async () => {
    // given the same past, and another future
    const past = ['mail1,2025-03-01 10:00:00,purchase,5', 'control1,2025-02-20 10:00:00,purchase,9'];
    const future = users('mail').map((user) => `${user},2025-03-06 10:00:00,purchase,50`);
    const [before, after] = await Promise.all([
      ask(await planted([...past, 'mail7,2025-03-06 10:00:00,purchase,50'])),
      ask(await planted([...past, ...future])),
    ]);
    // then the adjusted difference of constants is the constant
    expect(after.lifts[0]!.adjusted.money.difference.value).toBeCloseTo(50, 6);
    expect(before.covariates).toEqual(after.covariates);
  });

  it('where all windows begin later than the treatments, what lies between them is neither past nor window', async () => {
    // given purchases of the treated between the treatment and the window
    const between = users('mail').map((user, i) => `${user},2025-03-06 10:00:00,purchase,${10 + i}`);
    const outcome = users('mail').map((user, i) => `${user},2025-03-09 10:00:00,purchase,${10 + i}`);
    const from = parseDay('2025-03-08');
    // when
    const [plain, other] = await Promise.all([
      ask(await planted(outcome), { from }),
      ask(await planted([...outcome, ...between]), { from }),
    ]);
    // then they change nothing
    expect(other).toEqual(plain);
  });

  it('users of several arms are left out and counted', async () => {
    const shop = await planted(
      [],
      [...treated, `mail3,spring,control,2025-03-06 10:00`, `mail4,spring,mail,${AT}`],
    );
    const lift = await ask(shop);
    expect(lift.leftOut).toEqual([{ users: 1, why: 'treated in several arms' }]);
    expect(mailOf(lift).users).toBe(59);
  });

  it('a window that is not over is refused with the day on which it is', async () => {
    const shop = await planted([]);
    await expect(ask(shop, { days: 60 })).rejects.toThrow(
      'the last window begins on 2025-03-05 and ends with 2025-05-04, but all events are known only until 2025-04-20: ' +
        'ask again once the events of 2025-05-04 are dropped, or take a shorter window (--days 46)',
    );
    await expect(ask(shop, { days: 46 })).resolves.toMatchObject({ knownUntil: '2025-04-20' });
  });
});

describe('what cannot be asked is refused in plain words', () => {
  const arms = (...given: readonly [string, number][]) =>
    given.flatMap(([arm, n]) => Array.from({ length: n }, (_, i) => `${arm}${i},spring,${arm},2025-03-01`));
  const log = csv(EVENTS, ['a,2025-02-01,view,', 'a,2025-04-01,view,']);
  const shop = (treatments: readonly string[], changes = {}) =>
    shopOf({ 'log/a.csv': log, 'campaigns/a.csv': csv(TREATMENTS, treatments) }, liftConfig('UTC', changes));

  it('an unknown campaign, arm or split', async () => {
    const two = await shop([...arms(['a', 60], ['b', 60]), 'x,summer,a,2025-03-01']);
    await expect(ask(two, { campaign: 'winter' })).rejects.toThrow(
      'there is no campaign "winter"; the treatments name: spring, summer',
    );
    await expect(ask(two)).rejects.toThrow(
      'has the arms a, b, and none is called "control": say which one it is',
    );
    await expect(ask(two, { control: 'c' })).rejects.toThrow(
      'there is no arm "c": campaign "spring" has the arms a, b',
    );
    await expect(ask(two, { control: 'b', split: [1, 1, 1] })).rejects.toThrow(
      '--split has 3 shares, and 2 are expected: of b, a, in this order',
    );
    const { sampleRatio } = await ask(two, { control: 'b', split: [1, 3] });
    expect([sampleRatio.shares, sampleRatio.mismatch]).toEqual([[0.25, 0.75], true]);
  });

  it('too few users', async () => {
    await expect(ask(await shop(arms(['control', 49], ['b', 60])))).rejects.toThrow(
      'too few users to compare: control has 49, and 50 in each arm are needed',
    );
  });

  it('a campaign without a control', async () => {
    await expect(ask(await shop(arms(['control', 60])))).rejects.toThrow(
      'nobody was treated who could be compared',
    );
    await expect(ask(await shop(arms(['b', 60]), { exports: { controlShare: 0 } }))).rejects.toThrow(
      'exports.controlShare is 0',
    );
  });

  it('a shop without treatments', async () => {
    const { campaigns: _, ...sources } = liftConfig().sources;
    const none = await shopOf({ 'log/a.csv': log }, liftConfig('UTC', { sources }));
    await expect(ask(none)).rejects.toThrow('no source whose table is "treatments"');
    const empty = await shopOf({ 'log/a.csv': log });
    await expect(ask(empty)).rejects.toThrow('no treatment has been dropped and cleaned yet');
  });
});

describe('a campaign with one arm', () => {
  const SHARE = 0.2;
  const config = liftConfig('UTC', { exports: { controlShare: SHARE } });
  const held = (user: string) => inControl(pseudonyms.seal(user), SHARE);

  it('is compared with the control group of the exports', async () => {
    // given a campaign to everybody else, three of the control group by mistake, and one nobody knew
    const by = (user: string) => (held(user) ? undefined : 'mail');
    const { events, treatments, truth } = madeUp(3000, by);
    const mistakes = Array.from({ length: 3000 }, (_, i) => `user-${i}`)
      .filter(held)
      .slice(0, 3);
    const shop = await shopOf(
      {
        'log/all.csv': csv(EVENTS, events),
        'campaigns/a.csv': csv(TREATMENTS, [
          ...treatments,
          ...mistakes.map((user) => `${user},spring,mail,${iso(START)}`),
          `newcomer,spring,mail,${iso(START)}`,
        ]),
      },
      config,
    );
    // when
    const { lifts, control, arms, leftOut, sampleRatio, warnings } = await ask(shop);
    // then
    expect(control).toEqual({ arm: 'held out by the exports', from: 'exports' });
    within(lifts[0]!.conversion.difference, truth.conversion);
    within(lifts[0]!.adjusted.money.difference, truth.money);
    expect(sampleRatio).toMatchObject({ shares: [SHARE, 1 - SHARE], mismatch: false });
    expect(arms[1]!.users).toBeLessThanOrEqual(treatments.length);
    expect(leftOut[0]).toEqual({
      users: 3,
      why: 'treated although they are of the exports’ control group',
    });
    expect(leftOut[1]!.why).toBe('without an event before the window, as everybody of the control has');
    expect(warnings[0]).toContain('the campaign has one arm');
  });

  it('does not take for its control whom other arms of it treated', async () => {
    // given: all of a second arm were treated in the first one, too
    const by = (user: string) => (held(user) ? undefined : 'mail');
    const { events, treatments } = madeUp(600, by);
    const both = Array.from({ length: 600 }, (_, i) => `user-${i}`)
      .filter(held)
      .slice(0, 40);
    const plain = csv(TREATMENTS, treatments);
    const more = both.flatMap((user) => ['mail', 'call'].map((arm) => `${user},spring,${arm},${iso(START)}`));
    const [before, after] = await Promise.all(
      [plain, csv(TREATMENTS, [...treatments, ...more])].map(async (text) =>
        ask(await shopOf({ 'log/all.csv': csv(EVENTS, events), 'campaigns/a.csv': text }, config)),
      ),
    );
    // then
    expect(after!.leftOut[0]).toEqual({ users: 40, why: 'treated in several arms' });
    expect(after!.arms[0]!.users).toBeLessThanOrEqual(before!.arms[0]!.users - 35);
  });

  it('is refused where it took no notice of that group', async () => {
    const { events, treatments } = madeUp(600, (_, rng) => (rng.uniform() < 0.5 ? 'mail' : undefined));
    const shop = await shopOf(
      { 'log/all.csv': csv(EVENTS, events), 'campaigns/a.csv': csv(TREATMENTS, treatments) },
      config,
    );
    await expect(ask(shop)).rejects.toThrow('so the campaign did not leave that group out');
  });

  it('that went to a part of the users is told to be no fair comparison', async () => {
    const { events, treatments } = madeUp(3000, (user, rng) =>
      held(user) || rng.uniform() < 0.6 ? undefined : 'mail',
    );
    const shop = await shopOf(
      { 'log/all.csv': csv(EVENTS, events), 'campaigns/a.csv': csv(TREATMENTS, treatments) },
      config,
    );
    const { warnings } = await ask(shop);
    expect(warnings.join('\n')).toContain('the campaign went to a part of the users');
  });
});

it('scores of an export from before the campaign are taken off, later ones are not', async () => {
  // given
  const { events, treatments } = madeUp(300);
  const shop = await shopOf({
    'log/all.csv': csv(EVENTS, events),
    'campaigns/spring.csv': csv(TREATMENTS, treatments),
  });
  const { store, config, drops } = shop;
  const users = treatments.map((line) => pseudonyms.seal(line.split(',')[0]!));
  for (const asOf of ['2025-02-20', '2025-03-01', '2025-03-02']) {
    const champions = Object.fromEntries(taskGroups(config).map(({ name }) => [name, 'v1']));
    const groups = taskGroups(config);
    const manifest = buildManifest({
      purpose: 'night',
      config,
      asOf,
      groups,
      drops,
      champions,
      snapshot: null,
    });
    const runId = await putManifest(store, manifest);
    for (let shard = 0; shard < config.shards; shard++) {
      const own = shard === 0 ? users : [];
      const probability = Float64Array.from(own, (_, i) => (i % 7) / 7);
      const scores = { logit: probability.slice(), probability, reasons: own.map(() => '[]') };
      const shardScores = {
        users: own,
        hashes: new Uint32Array(own.length),
        tasks: { purchase: scores },
        lists: {},
        values: {},
      };
      await store.put(scoresKey(runId, shard), encodeScores(shardScores, { runId }));
    }
    await store.put(currentKey(asOf), JSON.stringify({ runId }));
  }
  // when
  const { covariates, lifts } = await ask(shop);
  // then
  expect(covariates[2]).toBe('score of purchase as of 2025-03-01');
  expect(lifts[0]!.adjusted.money.theta[2]).not.toBe(0);
});
