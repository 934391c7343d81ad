import { ProgramError } from '../../host/index.ts';
import type { TrainingProgram } from '../program.ts';

/** How one parameter is updated. */
export interface GroupSettings {
  /** Weight decay; true takes the optimiser's, false is 0. */
  decay?: boolean | number;
  /** Multiplier of the learning rate. */
  lrScale?: number;
  /**
   * For tables with row gradients. `exact` (the default) equals a dense update: the state of all rows moves each step.
   * `lazy` touches only the batch's rows.
   */
  rows?: 'exact' | 'lazy';
}

/** Settings of a parameter by its name and shape. */
export type Grouping = (parameter: { name: string; shape: readonly number[] }) => GroupSettings;

/** What all optimisers have in common; defaults beside them. */
export interface CommonOptions {
  /** 0.01 for AdamW, 0 for the others. */
  weightDecay?: number;
  /** Limit of the global gradient norm; null does not clip. 1 */
  clipNorm?: number | null;
  /** What differs for a parameter. By default tensors of two or more dimensions decay, vectors and scalars do not. */
  group?: Grouping;
}

/** Loshchilov & Hutter, "Decoupled weight decay regularization", 2019. */
export interface AdamWOptions extends CommonOptions {
  kind?: 'adamw';
  /** 0.9 */
  beta1?: number;
  /** 0.999 */
  beta2?: number;
  /** 1e-8 */
  epsilon?: number;
}

/** Stochastic gradient descent with momentum (Sutskever et al., "On the importance of initialization and momentum", 2013). */
export interface SgdOptions extends CommonOptions {
  kind: 'sgd';
  /** 0.9 */
  momentum?: number;
  /** Looks ahead by the momentum. false */
  nesterov?: boolean;
  /** Decay scales the weight (SGDW) rather than being added to the gradient, where it enters the momentum. false */
  decoupled?: boolean;
}

/** Duchi, Hazan, Singer, "Adaptive subgradient methods", 2011. Decay is added to the gradient. */
export interface AdagradOptions extends CommonOptions {
  kind: 'adagrad';
  /** 1e-10 */
  epsilon?: number;
}

/** Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018. Decay is decoupled. */
export interface AdafactorOptions extends CommonOptions {
  kind: 'adafactor';
  /** Exponent of the second moment's decay, 1 - t^-exponent. 0.8 */
  decayExponent?: number;
  /** Limit of the root mean square of an update before the learning rate. 1 */
  updateClip?: number;
  /**
   * Steps relative to a parameter's own scale, max(scaleFloor, RMS(p)) x min(lr, 1/sqrt(t)); else the learning rate
   * is absolute. true
   */
  relativeStep?: boolean;
  /** Least scale of a parameter for a relative step. 1e-3 */
  scaleFloor?: number;
  /** Its square is the least second moment. 1.1920929e-7, float32's */
  epsilon?: number;
}

export type OptimiserOptions = AdamWOptions | SgdOptions | AdagradOptions | AdafactorOptions;

/** A rule's own settings, with every default settled. */
export type RuleSettings =
  | { kind: 'adamw'; beta1: number; beta2: number; epsilon: number }
  | { kind: 'sgd'; momentum: number; nesterov: boolean; decoupled: boolean }
  | { kind: 'adagrad'; epsilon: number }
  | {
      kind: 'adafactor';
      decayExponent: number;
      updateClip: number;
      relativeStep: boolean;
      scaleFloor: number;
      epsilon: number;
    };

export type SettingsOf<K extends RuleSettings['kind']> = Extract<RuleSettings, { kind: K }>;

/** The options with every default and group settled: plain data that crosses the thread border. */
export interface OptimiserSettings {
  rule: RuleSettings;
  clipNorm: number | null;
  groups: Record<string, { decay: number; lrScale: number; lazy: boolean }>;
}

/** @throws ProgramError when an option is out of its range */
export function settleOptimiser(program: TrainingProgram, options: OptimiserOptions = {}): OptimiserSettings {
  const rule = settleRule(options);
  const { weightDecay = rule.kind === 'adamw' ? 0.01 : 0, clipNorm = 1, group } = options;
  within('weightDecay', weightDecay, weightDecay >= 0, '0 or above');
  if (clipNorm !== null) within('clipNorm', clipNorm, clipNorm > 0, 'above 0, or null');
  const groups: OptimiserSettings['groups'] = {};
  for (const { name, shape } of program.parameters) {
    const { decay = shape.length >= 2, lrScale = 1, rows = 'exact' } = group?.({ name, shape }) ?? {};
    const settledDecay = typeof decay === 'number' ? decay : decay ? weightDecay : 0;
    within(`decay of ${name}`, settledDecay, settledDecay >= 0, '0 or above');
    within(`lrScale of ${name}`, lrScale, lrScale >= 0, '0 or above');
    groups[name] = { decay: settledDecay, lrScale, lazy: rows === 'lazy' };
  }
  return { rule, clipNorm, groups };
}

function settleRule(options: OptimiserOptions): RuleSettings {
  switch (options.kind) {
    case 'sgd': {
      const { momentum = 0.9, nesterov = false, decoupled = false } = options;
      within('momentum', momentum, momentum >= 0 && momentum < 1, 'in [0, 1)');
      within('momentum', momentum, momentum > 0 || !nesterov, 'above 0 with nesterov');
      return { kind: 'sgd', momentum, nesterov, decoupled };
    }
    case 'adagrad': {
      const { epsilon = 1e-10 } = options;
      within('epsilon', epsilon, epsilon > 0, 'above 0');
      return { kind: 'adagrad', epsilon };
    }
    case 'adafactor': {
      const { decayExponent = 0.8, updateClip = 1, relativeStep = true } = options;
      const { scaleFloor = 1e-3, epsilon = 2 ** -23 } = options;
      within('decayExponent', decayExponent, decayExponent > 0 && decayExponent <= 1, 'in (0, 1]');
      within('updateClip', updateClip, updateClip > 0, 'above 0');
      within('scaleFloor', scaleFloor, scaleFloor > 0, 'above 0');
      within('epsilon', epsilon, epsilon > 0, 'above 0');
      return { kind: 'adafactor', decayExponent, updateClip, relativeStep, scaleFloor, epsilon };
    }
    default: {
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
      within('beta1', beta1, beta1 >= 0 && beta1 < 1, 'in [0, 1)');
      within('beta2', beta2, beta2 >= 0 && beta2 < 1, 'in [0, 1)');
      within('epsilon', epsilon, epsilon > 0, 'above 0');
      return { kind: 'adamw', beta1, beta2, epsilon };
    }
  }
}

function within(what: string, value: number, ok: boolean, range: string): void {
  if (!ok || !Number.isFinite(value))
    throw new ProgramError(`the optimiser's ${what} is ${value}; it must be ${range}`);
}
