import type { Candidate, Fitting, Judged, Material } from '../candidate.ts';
import { textsOf } from './branches/index.ts';
import { continued, NetworkCandidate, trainingOf } from './candidate.ts';
import { fitNetwork } from './fit.ts';
import type { FittedNetwork } from './fitted.ts';
import { mergedTexts, openTuning } from './texts/tune.ts';

/** Rows of a batch whose texts are encoded in every step. */
const BATCH = 32;
/** What has learnt already goes on at this share of the learning rate. */
const RATE = 0.5;

/**
 * A network that reads texts, gone on from with its text encoder in the graph: LoRA in the encoder and all else are
 * trained together, then LoRA is merged. That costs as much as all others together, so it is tried with the better one
 * of those that read texts alone.
 */
export class TunedCandidate implements Candidate {
  readonly name: string;
  readonly family = 'network';
  readonly formOf: Candidate;
  readonly reads: readonly string[];
  readonly #base: NetworkCandidate;

  constructor(name: string, base: NetworkCandidate, formOf: Candidate) {
    this.name = name;
    this.reads = base.reads.map((read) => (read === 'texts' ? 'texts (encoder trained too)' : read));
    this.#base = base;
    this.formOf = formOf;
  }

  applies({ config }: Material, judged: readonly Judged[]): boolean {
    const readers = judged.filter(
      ({ candidate }) => candidate instanceof NetworkCandidate && candidate.reads.includes('texts'),
    );
    if (!config.text?.lora || readers.length === 0) return false;
    const better = readers.reduce((a, b) => (b.loss < a.loss ? b : a));
    return better.candidate === this.#base;
  }

  async fit(material: Material, earlier: readonly Fitting[] = []): Promise<FittedNetwork> {
    const { config, inputs, labels, used, weights } = material;
    const texts = material.texts!;
    const lora = config.text!.lora!;
    const start = await this.#base.from(material, earlier, this.name);
    const training = trainingOf(material, this.name);
    const opened = openTuning(texts, lora, config.model.seed);
    const fit = await fitNetwork(
      start.network,
      { inputs, labels, groups: material.unit, ...start.rows },
      { rows: used, weights },
      {
        ...training,
        batchSize: Math.min(BATCH, config.training.batchSize),
        steps: lora.steps,
        learningRate: training.learningRate * RATE,
        tuning: opened.tuning,
      },
      start.parameters,
    );
    const trained = new Set(opened.tuning.train);
    const split = (of: boolean) =>
      Object.fromEntries(Object.entries(fit.parameters).filter(([name]) => trained.has(name) === of));
    const { vectors, graph, maxDifference } = await mergedTexts(
      texts,
      opened,
      split(true),
      config.training.threads,
    );
    const branch = textsOf(start.network.branches)!;
    const merged = { branch, rows: { texts: { texts: texts.rows, vectors } }, encoder: graph };
    return start
      .with({
        parameters: split(false),
        curve: continued(start.curve, fit.curve),
        grown: start.grown.map((one) => (one.branch === branch ? { ...one, ...merged } : one)),
        lora: {
          rank: opened.adapter.rank,
          alpha: opened.adapter.alpha,
          targets: opened.adapter.targets.map(({ name }) => name),
          maxDifference,
        },
      })
      .withUnseenBins();
  }
}
