import { TrainError } from '../../host/index.ts';
import type { Grouping } from './optimiser-options.ts';

export interface LayerwiseRates {
  /**
   * Layer of a parameter, 0 nearest to the input (embeddings, say); undefined for what learns at the full rate, such as
   * a new head.
   */
  layerOf(name: string): number | undefined;
  /** Layers there are. */
  layers: number;
  /** What each layer's rate is of that of the one above, in (0, 1]: 1/2.6 in ULMFiT, 0.65 to 0.95 for transformers. */
  decay: number;
  /** Settings beside the rate; a multiplier of its own is kept as a factor. */
  group?: Grouping;
}

/**
 * Learning rates that fall towards the input: layer l of n learns at decay^(n - l) of the rate (discriminative
 * fine-tuning: Howard & Ruder, "Universal language model fine-tuning", 2018, section 3.2; for transformers Clark et
 * al., "ELECTRA", 2020, appendix B).
 * @returns the optimiser's `group`
 * @throws TrainError when the decay is outside (0, 1], or, once it is used, a layer outside 0 … layers - 1
 */
export function layerwiseRates({ layerOf, layers, decay, group }: LayerwiseRates): Grouping {
  if (!(decay > 0 && decay <= 1) || !Number.isInteger(layers) || layers < 1) {
    throw new TrainError(
      `layer-wise rates need layers from 1 and a decay in (0, 1], given ${layers} and ${decay}`,
    );
  }
  return (parameter) => {
    const layer = layerOf(parameter.name);
    const settings = group?.(parameter) ?? {};
    if (layer === undefined) return settings;
    if (!Number.isInteger(layer) || layer < 0 || layer >= layers)
      throw new TrainError(`${parameter.name} is in layer ${layer}; layers are 0 to ${layers - 1}`);
    return { ...settings, lrScale: (settings.lrScale ?? 1) * decay ** (layers - layer) };
  };
}
