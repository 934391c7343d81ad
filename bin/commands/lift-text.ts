import type { Comparison } from '../../lib/engine/uplift/index.ts';
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
    ...lifts.flatMap((one) => [
      '',
      `${one.arm} against ${control.arm}: ${shown(one, event, money)}`,
      liftTable(one, event, money),
    ]),
    '',
    'Intervals are of 95 %: of conversions Newcombe’s, of money and of adjusted figures Welch’s. Adjusted figures take off what',
    `was known before (CUPED: ${covariates.join('; ')}).`,
    sizesText(lift),
    ...leftOut.map(
      ({ users, why }) => `left out  ${thousands(users)} ${users === 1 ? 'user' : 'users'}: ${why}`,
    ),
    ...warnings.map((warning) => `warning   ${warning}`),
  ].join('\n');
}

/** Which differences are more than chance would explain. */
function shown({ adjusted }: ArmLift, event: string, unit: string): string {
  const sure = ({ difference: { low, high } }: Comparison) => low > 0 || high < 0;
  const measures = [
    ...(sure(adjusted.conversion) ? [event] : []),
    ...(sure(adjusted.money) ? [`${unit} a user`] : []),
  ];
  if (measures.length === 0) return 'no difference is shown, as both adjusted intervals hold zero';
  return `a difference is shown in ${measures.join(' and in ')}`;
}

function liftTable({ conversion, money, adjusted }: ArmLift, event: string, unit: string): string {
  const points = { scale: 100, unit: ' points' };
  const plain = { scale: 1, unit: '' };
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
  { scale, unit }: { readonly scale: number; readonly unit: string },
  note: string,
): string[] {
  const write = (value: number) => signed(scale * value, 2);
  return [
    name,
    `${write(difference.value)}${unit}`,
    `${write(difference.low)} to ${write(difference.high)}${unit}`,
    ratio ? fixed(ratio.value, 3) : '–',
    ratio ? `${fixed(ratio.low, 3)} to ${fixed(ratio.high, 3)}` : '–',
    probability(pValue),
    note,
  ];
}

function sizesText({ arms, sampleRatio }: Lift): string {
  const { shares, expected, pValue, mismatch } = sampleRatio;
  const intended = shares.map((share) => percent(share)).join(' : ');
  const numbers = arms.map(({ users }, i) => `${thousands(users)} of ${thousands(Math.round(expected[i]!))}`);
  const verdict = mismatch ? 'does not fit' : 'fits';
  return `split     ${intended} intended, ${numbers.join(', ')} users: ${verdict} (p ${probability(pValue)})`;
}

const probability = (p: number): string => (p < 0.0001 ? '< 0.0001' : fixed(p, 4));

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const signed = (value: number, digits: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
