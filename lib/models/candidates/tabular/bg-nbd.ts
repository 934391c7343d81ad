import { type BgNbdParameters, CustomerBaseError, fitBgNbd } from '../../../engine/customer-base/index.ts';
import type { Candidate, Material } from '../candidate.ts';
import { asked, asTheyAre, historiesOf, modelOf } from './customer-base.ts';
import { FittedTabular } from './fitted.ts';

/**
 * The chance of a purchase within the horizon by BG/NBD, fitted to the dates of purchases alone (Fader, Hardie, Lee 2005): what
 * a marketer has without any learning. A day with the task's event counts as one transaction.
 */
export class BgNbdCandidate implements Candidate {
  readonly name = 'BG/NBD';
  readonly family = 'floor';
  readonly reads = ['features'];

  applies(material: Material): boolean {
    return material.heads.some((_, task) => asked(material, task) !== undefined);
  }

  async fit(material: Material): Promise<FittedTabular> {
    const questions = material.heads.map((_, task) => asked(material, task));
    const kept = [...new Set(questions.flatMap((one) => one?.columns ?? []))];
    const models = questions.map((one) => {
      const parameters = one && fitTo(material, one.columns);
      return parameters ? modelOf(one, parameters, kept) : null;
    });
    return new FittedTabular(material, { inputs: material.features, transform: asTheyAre(kept) }, models);
  }
}

/** Undefined where nobody came back. */
function fitTo(material: Material, columns: readonly number[]): BgNbdParameters | undefined {
  try {
    return fitBgNbd(historiesOf(material, columns, material.used));
  } catch (error) {
    if (error instanceof CustomerBaseError) return undefined;
    throw error;
  }
}
