import { compareMeans, type MeanComparison } from '../engine/uplift/index.ts';
import { countConverted, type Group } from './groups.ts';
import type { Design } from './question.ts';

/** Fewer conversions than these are expected in an arm: the intervals of shares, and more so their p-values, are rough. */
const FEWEST_EXPECTED = 5;
/** The rule of thumb that `MeanComparison.skewness` names. */
const MOST_SKEWNESS = 1 / Math.sqrt(355);
/** Arms whose past differs as unlikely as this were not filled by chance. */
const UNLIKE = 0.001;

/** What a reader must know before they believe a figure, in plain words. */
export function warningsOf(given: {
  design: Design;
  /** The control first. */
  groups: readonly Group[];
  lifts: readonly { readonly arm: string; readonly money: MeanComparison }[];
  mismatch: boolean;
  /** Treatments that began outside of the window that is measured. */
  outside: number;
}): string[] {
  const { design, groups, lifts, mismatch, outside } = given;
  const [control, ...treated] = groups;
  const warnings: string[] = [];
  if (design.control === 'exports') {
    warnings.push(
      'the campaign has one arm: the control are users of the exports’ control group who were not treated. The comparison holds ' +
        'only if the campaign went to everybody else who was known when the window began, whatever their scores',
    );
  }
  if (mismatch) {
    const cause =
      design.control === 'exports'
        ? 'the campaign went to a part of the users, and the control group stands for all: the difference also tells who was chosen'
        : 'somebody was lost or chosen on the way, by how users were put into arms or by how they were recorded';
    warnings.push(
      `the sizes of the arms do not fit the intended split (p < 0.001), so ${cause}. Do not trust the figures before the cause is known`,
    );
  }
  for (const group of treated) {
    const { pValue } = compareMeans(group.covariates[0]!, control!.covariates[0]!);
    if (pValue < UNLIKE) {
      warnings.push(
        `${group.arm} and ${control!.arm} spent differently already before the treatment (p < 0.001): they were hardly put together by chance`,
      );
    }
  }
  const all = groups.reduce((sum, { converted }) => sum + converted.length, 0);
  const share = groups.reduce((sum, group) => sum + countConverted(group), 0) / all;
  const few = groups.filter(
    ({ converted }) => Math.min(share, 1 - share) * converted.length < FEWEST_EXPECTED,
  );
  if (few.length > 0) {
    warnings.push(
      `hardly anybody converted, or nearly everybody did (${few.map(({ arm }) => arm).join(', ')}): p-values of the conversion are rough`,
    );
  }
  for (const { arm, money } of lifts) {
    if (Math.abs(money.skewness) > MOST_SKEWNESS) {
      warnings.push(
        `a few users spent very much, and not as many in ${arm} as in ${control!.arm}: the interval of money is rough`,
      );
    }
  }
  if (treated.length > 1) {
    warnings.push(
      `${treated.length} arms are compared with one control, and each p-value stands for itself: the best of several looks better than it is`,
    );
  }
  if (outside > 0) {
    warnings.push(`${outside} users were treated before the window that is measured, or after it`);
  }
  return warnings;
}
