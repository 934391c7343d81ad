import { CDNOW_IN_DAYS, fitBgNbd } from '../../../engine/customer-base/index.ts';
import type { Candidate, Material } from '../candidate.ts';
import { type Asked, asked, asTheyAre, historiesOf, modelOf } from './customer-base.ts';
import { FittedTabular } from './fitted.ts';

/** What stands before any data is seen: a parameter may be off by this factor, e, without much ado. */
const PRIOR = { around: CDNOW_IN_DAYS, deviation: 1 };

/**
 * What a small shop has from the first day on: BG/NBD whose parameters are drawn to those of a shop that were published
 * (`CDNOW_IN_DAYS`), the less the more customers there are. It answers the tasks that there is little data for, and only
 * those.
 */
export class PriorsCandidate implements Candidate {
  readonly name = 'customer base with priors';
  readonly reads = ['features'];

  applies(material: Material): boolean {
    return questionsOf(material).some((one) => one !== undefined);
  }

  async fit(material: Material): Promise<FittedTabular> {
    const questions = questionsOf(material);
    const latest = latestRows(material);
    const kept = [...new Set(questions.flatMap((one) => one?.columns ?? []))];
    const models = questions.map((one) => {
      if (!one) return null;
      const histories = historiesOf(material, one.columns, latest);
      const parameters = histories.age.length === 0 ? PRIOR.around : fitBgNbd(histories, PRIOR);
      return modelOf(one, parameters, kept);
    });
    return new FittedTabular(material, { inputs: material.features, transform: asTheyAre(kept) }, models);
  }
}

const questionsOf = (material: Material): (Asked | undefined)[] =>
  material.heads.map((_, task) =>
    (material.data?.[task] ?? 'enough') === 'enough' ? undefined : asked(material, task),
  );

/** One row of each user: with a prior it matters how many customers there are. Rows of a user are in the order of their days. */
function latestRows({ used, unit }: Material): Int32Array {
  const latest = new Map<number, number>();
  for (const row of used) latest.set(unit[row]!, row);
  return Int32Array.from(latest.values());
}
