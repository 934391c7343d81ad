import type { Config } from '../../../config/index.ts';
import { createRng } from '../../../engine/host/index.ts';
import { type CurvePoint, dimension, search } from '../../../engine/train/index.ts';
import type { Material } from '../candidate.ts';
import { linear, mlp } from './branches/index.ts';
import { NetworkCandidate } from './candidate.ts';

/** Of so many settings one goes on, with so many times the steps. */
const FACTOR = 3;

/** A config whose network settings were searched, and what there is to tell of it. */
export interface Searched {
  readonly config: Config;
  readonly note: string;
}

/**
 * Looks for settings of the network that do better than those of the config, by successive halving: 3, 9, 27 or 81 are drawn,
 * a third of each round goes on with three times the steps, and each round costs as much as three fits. They are judged on the
 * users (or rows) that a fit keeps aside to stop early; nothing after the material's day takes part. The config's own
 * settings stay where none is better.
 * @param fits that it may cost, from 3; one more is of the config's own settings
 */
export async function searchSettings(material: Material, fits: number): Promise<Searched> {
  const { config, steps, progress } = material;
  const rounds = Math.floor(fits / FACTOR);
  const asGiven = await lossOf(material);
  if (asGiven === null) {
    return {
      config,
      note: 'No settings were searched: there are too few users (or rows) to keep some aside.',
    };
  }
  const { best, trials } = await search({
    space: spaceAround(config),
    points: FACTOR ** rounds,
    budget: steps / FACTOR ** (rounds - 1),
    halving: { factor: FACTOR },
    rng: createRng(`search ${config.model.seed}`),
    evaluate: async (point, { id, budget }) => {
      progress(`settings ${id + 1} of ${FACTOR ** rounds}`);
      const loss = await lossOf({
        ...material,
        config: withSettings(config, point),
        steps: Math.ceil(budget),
      });
      return { loss: loss ?? Number.NaN };
    },
  });
  const { learningRate, weightDecay, hidden, members } = best.point;
  const better = best.loss !== null && best.loss < asGiven;
  const found =
    `learning rate ${learningRate.toPrecision(2)}, weight decay ${weightDecay.toPrecision(2)}, hidden ${hidden}, ` +
    `members ${members}`;
  return {
    config: better ? withSettings(config, best.point) : config,
    note:
      `Searched ${FACTOR ** rounds} settings of the network in ${trials.length} fits: ${found} had loss ` +
      `${best.loss?.toFixed(4) ?? 'of none'} on users (or rows) kept aside, those of the config ${asGiven.toFixed(4)}; ` +
      `${better ? 'they were taken' : 'the config stays'}.`,
  };
}

function spaceAround({ training: { learningRate, weightDecay } }: Config) {
  // A decay of 0 is no scale to draw around.
  const decay = weightDecay > 0 ? weightDecay : 0.01;
  return {
    learningRate: dimension.logUniform(learningRate / 4, 4 * learningRate),
    weightDecay: dimension.logUniform(decay / 10, 3 * decay),
    hidden: dimension.choice(16, 32, 64, 128),
    members: dimension.choice(4, 8, 16),
  };
}

type Settings = Pick<Config['training'], 'learningRate' | 'weightDecay'> &
  Pick<Config['model'], 'hidden' | 'members'>;

const withSettings = (config: Config, { learningRate, weightDecay, hidden, members }: Settings): Config => ({
  ...config,
  training: { ...config.training, learningRate, weightDecay },
  model: { ...config.model, hidden, members },
});

/** The least loss on the users kept aside; null where there are none. */
async function lossOf(material: Material): Promise<number | null> {
  const { curve } = await new NetworkCandidate('search', [linear, mlp]).fit(material);
  const losses = curve.flatMap(({ validLoss }: CurvePoint) => validLoss ?? []);
  return losses.length === 0 ? null : Math.min(...losses);
}
