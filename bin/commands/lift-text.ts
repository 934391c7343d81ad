import type { Comparison, Estimate } from '../../lib/engine/uplift/index.ts';
import type { ArmLift, Lift } from '../../lib/lift/index.ts';
import { fixed, table, thousands } from './shared.ts';

/** A lift for a person: who was compared, what came of it, and what must be known before it is believed. */
export function liftText(lift: Lift): string {
  const { campaign, event, days, windows, control, arms, lifts, covariates, leftOut, warnings } = lift;
  const when =
    windows.first === windows.last
      ? `from ${windows.first}`
      : `begun from ${windows.first} to ${windows.last}`;
  const money = lift.currency === null ? 'money' : lift.currency;
  const sizes = arms.map(({ arm, users, converted, conversion, moneyPerUser }) => [
    arm,
    users,
    converted,
    percent(conversion),
    fixed(moneyPerUser, 2),
  ]);
  return [
    `${campaign}: ${event} and money within ${days} days, windows ${when}`,
    `control: ${control.arm}`,
    '',
    table(['arm', 'users', `with ${event}`, 'conversion', `${money} a user`], sizes),
    ...lifts.flatMap((one) => ['', `${one.arm} against ${control.arm}`, liftTable(one, event, money)]),
    '',
    'Intervals are of 95 %: of conversions Newcombe’s, of money and of adjusted figures Welch’s. Adjusted figures take off what',
    `was known before (CUPED: ${covariates.join('; ')}).`,
    sizesText(lift),
    ...leftOut.map(({ users, why }) => `left out  ${thousands(users)} users: ${why}`),
    ...warnings.map((warning) => `warning   ${warning}`),
  ].join('\n');
}

function liftTable({ conversion, money, adjusted }: ArmLift, event: string, unit: string): string {
  const points = (value: number) => `${signed(100 * value, 2)} points`;
  const plain = (value: number) => signed(value, 2);
  const reduced = (share: number) => `variance ${signed(-100 * share, 1)} %`;
  const rows = [
    row(event, conversion, points, ''),
    row(`${event}, adjusted`, adjusted.conversion, points, reduced(adjusted.conversion.varianceReduction)),
    row(`${unit} a user`, money, plain, ''),
    row(`${unit} a user, adjusted`, adjusted.money, plain, reduced(adjusted.money.varianceReduction)),
  ];
  return table(['measure', 'difference', '95 %', 'ratio', '95 %', 'p', ''], rows);
}

function row(
  name: string,
  { difference, ratio, pValue }: Comparison,
  write: (value: number) => string,
  note: string,
): string[] {
  const between = (estimate: Estimate, of: (value: number) => string) =>
    `${of(estimate.low)} to ${of(estimate.high)}`;
  return [
    name,
    write(difference.value),
    between(difference, write),
    ratio ? fixed(ratio.value, 3) : '–',
    ratio ? between(ratio, (value) => fixed(value, 3)) : '–',
    pValue < 0.0001 ? '< 0.0001' : fixed(pValue, 4),
    note,
  ];
}

function sizesText({ arms, sampleRatio }: Lift): string {
  const { shares, expected, pValue, mismatch } = sampleRatio;
  const intended = shares.map((share) => percent(share)).join(' : ');
  const numbers = arms.map(({ users }, i) => `${thousands(users)} of ${thousands(Math.round(expected[i]!))}`);
  const verdict = mismatch ? 'does not fit' : 'fits';
  return `split     ${intended} intended, ${numbers.join(', ')} users: ${verdict} (p ${pValue < 0.0001 ? '< 0.0001' : fixed(pValue, 4)})`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const signed = (value: number, digits: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
