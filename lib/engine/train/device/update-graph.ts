import { ProgramError } from '../../host/index.ts';
import type { GraphBuilder, Value } from '../../onnx/index.ts';
import type { RuleSettings, SettingsOf } from '../optimisers/index.ts';

/** One parameter's part of an update, inside a graph. */
export interface GraphTarget {
  value: Value;
  /** Clipped already, of the value's shape. */
  gradient: Value;
  /** What the optimiser keeps for it, by slot name. */
  state: Readonly<Record<string, Value>>;
  decay: number;
  lrScale: number;
}

/** What follows from a target: value and state after the update. */
export interface GraphUpdated {
  value: Value;
  state: Readonly<Record<string, Value>>;
}

/**
 * An update rule as operations. Factors that depend on the number of the step come as scalars per step from `factors`:
 * 1 - 0.999^t has lost most of its digits in float32.
 */
export interface GraphRule {
  /** Scalars of update `time` (from 1) at a learning rate. */
  factors(lr: number, time: number): Readonly<Record<string, number>>;
  update(g: GraphBuilder, target: GraphTarget, factors: Readonly<Record<string, Value>>): GraphUpdated;
}

/** The formulas are those of the update rules beside this folder, where their sources stand. @throws ProgramError for rules that have no graph */
export function graphRuleOf(settings: RuleSettings): GraphRule {
  switch (settings.kind) {
    case 'adamw':
      return adamwGraph(settings);
    case 'sgd':
      return sgdGraph(settings);
    case 'adagrad':
      return adagradGraph(settings);
    case 'adafactor':
      throw new ProgramError('adafactor has no graph: train with it on the cpu driver');
  }
}

function adamwGraph({ beta1, beta2, epsilon }: SettingsOf<'adamw'>): GraphRule {
  return {
    factors: (lr, time) => ({ lr, rate: lr / (1 - beta1 ** time), secondScale: 1 / (1 - beta2 ** time) }),
    update(g, { value, gradient, state, decay, lrScale }, { lr, rate, secondScale }) {
      const first = g.add(g.mul(state.first!, beta1), g.mul(gradient, 1 - beta1));
      const second = g.add(g.mul(state.second!, beta2), g.mul(g.square(gradient), 1 - beta2));
      const deviation = g.add(g.sqrt(g.mul(second, secondScale!)), epsilon);
      const step = g.div(g.mul(first, scaled(g, rate!, lrScale)), deviation);
      return { value: g.sub(decayed(g, value, lr!, decay * lrScale), step), state: { first, second } };
    },
  };
}

function sgdGraph({ momentum, nesterov, decoupled }: SettingsOf<'sgd'>): GraphRule {
  return {
    factors: (lr) => ({ lr }),
    update(g, { value, gradient, state, decay, lrScale }, { lr }) {
      const coupled = decoupled ? 0 : decay;
      const slope = coupled === 0 ? gradient : g.add(gradient, g.mul(value, coupled));
      const moved = state.momentum && g.add(g.mul(state.momentum, momentum), slope);
      const step = moved ? (nesterov ? g.add(slope, g.mul(moved, momentum)) : moved) : slope;
      const kept = decoupled ? decayed(g, value, lr!, decay * lrScale) : value;
      return {
        value: g.sub(kept, g.mul(step, scaled(g, lr!, lrScale))),
        state: moved ? { momentum: moved } : {},
      };
    },
  };
}

function adagradGraph({ epsilon }: SettingsOf<'adagrad'>): GraphRule {
  return {
    factors: (lr) => ({ lr }),
    update(g, { value, gradient, state, decay, lrScale }, { lr }) {
      const slope = decay === 0 ? gradient : g.add(gradient, g.mul(value, decay));
      const sum = g.add(state.sum!, g.square(slope));
      const step = g.div(g.mul(slope, scaled(g, lr!, lrScale)), g.add(g.sqrt(sum), epsilon));
      return { value: g.sub(value, step), state: { sum } };
    },
  };
}

/** p (1 - lr decay). */
function decayed(g: GraphBuilder, value: Value, lr: Value, decay: number): Value {
  return decay === 0 ? value : g.mul(value, g.sub(1, g.mul(lr, decay)));
}

function scaled(g: GraphBuilder, scalar: Value, factor: number): Value {
  return factor === 1 ? scalar : g.mul(scalar, factor);
}
