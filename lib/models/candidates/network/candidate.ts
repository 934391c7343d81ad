import type { CurvePoint } from '../../../engine/train/index.ts';
import type { Candidate, Fitting, Judged, Material } from '../candidate.ts';
import { type BranchKind, type Grown, type Pretrained, VISITS_BATCH } from './branches/index.ts';
import { fitNetwork, type NetworkTraining } from './fit.ts';
import { FittedNetwork } from './fitted.ts';
import { optimiserOf } from './optimiser.ts';

/** Variance of the normal prior over the standardised linear weights, and the dropout of all branches. */
const PRIOR_VARIANCE = 1 / 300;
const DROPOUT = 0.2;
/** Of AdamW: fits are short, so squares of gradients are forgotten sooner than usual. */
const BETA2 = 0.99;
/** A branch that joins a fitted network learns for so many steps at least. */
const FEWEST_STEPS = 50;

/** A network of some branches: all fitted together from scratch, or one that joins a fitted network. */
export class NetworkCandidate implements Candidate {
  readonly name: string;
  readonly family = 'network';
  readonly formOf?: Candidate;
  readonly reads: readonly string[];
  readonly kinds: readonly BranchKind[];
  readonly #base: NetworkCandidate | undefined;

  /**
   * @param kinds of its branches, in the order in which they are read
   * @param base what it goes on from: the same without one of them
   */
  constructor(name: string, kinds: readonly BranchKind[], base?: NetworkCandidate) {
    this.name = name;
    this.reads = ['features', ...kinds.flatMap(({ reads }) => reads ?? [])];
    this.kinds = kinds;
    this.#base = base;
    const plain = base?.formOf ?? base;
    if (plain) this.formOf = plain;
  }

  /** What reads both visits and texts is tried where each of them has helped. */
  applies(material: Material, judged: readonly Judged[] = []): boolean {
    const narrower = judged.filter(
      ({ candidate }) =>
        candidate instanceof NetworkCandidate &&
        candidate.formOf === this.formOf &&
        candidate.kinds.every((kind) => this.kinds.includes(kind)),
    );
    const plain = judged.find(({ candidate }) => candidate === this.formOf);
    return (
      this.kinds.every((kind) => kind.applies(material)) &&
      (narrower.length === 0 || !plain || narrower.every(({ loss }) => loss < plain.loss))
    );
  }

  async fit(material: Material, earlier: readonly Fitting[] = []): Promise<FittedNetwork> {
    return (await this.#grow(material, earlier, this.name)).withUnseenBins();
  }

  /**
   * The one of those that were fitted before, or fitted now: then outputs without an outcome stay as they began.
   * @param told whose progress is told
   */
  async from(material: Material, earlier: readonly Fitting[], told: string): Promise<FittedNetwork> {
    const fitted = earlier.find(({ candidate }) => candidate === this)?.fitted;
    return fitted instanceof FittedNetwork ? fitted : this.#grow(material, earlier, told);
  }

  async #grow(material: Material, earlier: readonly Fitting[], told: string): Promise<FittedNetwork> {
    const { used, weights, inputs, labels, steps, config } = material;
    const base = await this.#base?.from(material, earlier, told);
    const grown: Grown[] = [];
    for (const kind of this.kinds) {
      grown.push(base?.branch(kind) ?? (await kind.grow(material, pretrainedBy(kind, earlier))));
    }
    const start = new FittedNetwork({ material, grown, parameters: base?.parameters ?? {}, curve: [] });
    const joining = base && this.kinds.find((kind) => !base.branch(kind));
    const training = trainingOf(material, told);
    const joins = joining?.joins;
    const fit = await fitNetwork(
      start.network,
      { inputs, labels, groups: material.unit, ...start.rows },
      { rows: used, weights },
      joins
        ? {
            ...training,
            batchSize: Math.min(VISITS_BATCH, config.training.batchSize),
            steps: Math.max(FEWEST_STEPS, Math.floor(steps * joins.steps)),
            learningRate: training.learningRate * joins.rate,
          }
        : training,
      { ...start.parameters, ...(joining && start.branch(joining)?.pretrained?.parameters) },
    );
    const curve = continued(base?.curve ?? [], fit.curve);
    return new FittedNetwork({ material, grown, parameters: fit.parameters, curve });
  }
}

/** What a branch of this kind was pretrained to on the same rows. */
const pretrainedBy = (kind: BranchKind, earlier: readonly Fitting[]): Pretrained | undefined =>
  earlier
    .flatMap(({ fitted }) => (fitted instanceof FittedNetwork ? (fitted.branch(kind)?.pretrained ?? []) : []))
    .at(0);

/** How a network is fitted from scratch. @param told whose progress is told */
export function trainingOf({ config, steps, progress, fits }: Material, told: string): NetworkTraining {
  const { batchSize, learningRate, weightDecay, threads } = config.training;
  return {
    steps,
    batchSize,
    learningRate,
    optimiser: optimiserOf(config, BETA2),
    weightDecay,
    priorVariance: PRIOR_VARIANCE,
    dropout: DROPOUT,
    threads,
    seed: config.model.seed,
    onProgress: (step, of, loss) => progress(`${told}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
    fits,
  };
}

/** A curve with that of a fit behind it which goes on where it ends. */
export function continued(curve: readonly CurvePoint[], further: readonly CurvePoint[]): CurvePoint[] {
  const before = curve.at(-1)?.step ?? 0;
  return [...curve, ...further.map((point) => ({ ...point, step: point.step + before }))];
}
