import * as Plot from '@observablehq/plot';
import { count, isNumber, plural, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Curve } from '../measure-types.ts';
import { thinCurve } from '../thin.ts';
import type { TrainingPoint } from '../types.ts';
import { ACCENT, draw, figure, keys, SECOND } from './draw.ts';

/** Loss over the steps of fine-tuning; nothing where none were recorded. */
export function trainingFigure(points: readonly TrainingPoint[]): Html | undefined {
  const aside = series(points, 'valid').length > 0;
  return lossFigure(points, 'Training', {
    read: aside
      ? 'Lines: the loss (lower is better) over the steps, on the rows it learns from and on rows kept aside. Branches are trained one behind the other; of each training the lowest on rows kept aside is kept. The dot is the lowest of all.'
      : 'Line: the loss (lower is better) over the steps, on the rows it learns from. Branches are trained one behind the other, so it may jump where the next one begins.',
    worry: aside
      ? 'the line of rows kept aside climbs while the other falls (learning by heart), or neither falls at all.'
      : 'it does not fall at all.',
  });
}

/** Learning rate and gradient norm over the steps of fine-tuning; nothing where none were recorded. */
export function stepsFigure(points: readonly TrainingPoint[]): Html | undefined {
  const rates = series(points, 'rate');
  const gradients = series(points, 'gradient');
  if (rates.length + gradients.length === 0) return undefined;
  const largest = gradients.reduce((most, [, norm]) => Math.max(most, norm), 0);
  return figure(
    {
      title: 'Steps of training',
      ...(gradients.length > 0 && { lead: `Largest gradient norm ${significant(largest)}` }),
      read: `Lines over the steps: ${[...(gradients.length > 0 ? ['the norm of the gradient before it was limited'] : []), ...(rates.length > 0 ? ['the learning rate that the schedule gave'] : [])].join(', and below ')}.`,
      worry:
        'the gradient grows towards the end or leaps again and again: the learning rate is too high, or single rows are absurd.',
    },
    html`${line('Gradient norm', gradients, ACCENT)}${line('Learning rate', rates, SECOND)}`,
  );
}

/** A low chart of one line, with its name above it. */
function line(name: string, curve: Curve, stroke: string): Html | undefined {
  if (curve.length === 0) return undefined;
  return draw(`${name} over steps, ${significant(curve[0]![1])} to ${significant(curve.at(-1)![1])}`, {
    height: 130,
    x: { label: 'step', ticks: 5, tickFormat: (step: number) => count(step), nice: true },
    y: {
      label: name.toLowerCase(),
      grid: true,
      ticks: 3,
      zero: true,
      nice: true,
      tickFormat: (value: number) => String(Number(value.toPrecision(3))),
    },
    marks: [
      Plot.line(thinCurve(curve), { stroke, strokeWidth: 1.5 }),
      Plot.dot(lone(curve), { r: 3, fill: stroke }),
    ],
  });
}

/** Loss over the steps of pretraining on the shop's own events; nothing where none were recorded. */
export function pretrainingFigure(points: readonly TrainingPoint[]): Html | undefined {
  return lossFigure(points, 'Pretraining', {
    read: "Line: the loss of guessing hidden visits of the shop's own history, before any outcome is seen. It should fall, then level off.",
    worry:
      'the line stays flat from the start: the history holds too little to learn from, or its times are wrong.',
  });
}

function lossFigure(
  points: readonly TrainingPoint[],
  title: string,
  text: { readonly read: string; readonly worry: string },
): Html | undefined {
  const train = series(points, 'train');
  const valid = series(points, 'valid');
  if (train.length + valid.length === 0) return undefined;
  const best = valid.reduce<Curve[number] | undefined>(
    (least, point) => (least === undefined || point[1] < least[1] ? point : least),
    undefined,
  );
  const last = train.at(-1);
  const lead = best
    ? `Best at step ${count(best[0])}: ${significant(best[1])}`
    : last && `${significant(last[1])} after ${plural(last[0], 'step', 'steps')}`;
  const chart = draw(`${title}: loss over steps. ${lead ?? ''}`, {
    x: { label: 'step', ticks: 5, tickFormat: (step: number) => count(step), nice: true },
    y: {
      label: 'loss',
      grid: true,
      ticks: 5,
      nice: true,
      tickFormat: (loss: number) => String(Number(loss.toPrecision(3))),
    },
    marks: [
      Plot.line(thinCurve(train), { stroke: SECOND, strokeWidth: 1.5 }),
      Plot.line(thinCurve(valid), { stroke: ACCENT, strokeWidth: 2 }),
      Plot.dot(lone(train), { r: 3, fill: SECOND }),
      Plot.dot(best ? [best] : [], { r: 4, fill: ACCENT }),
    ],
  });
  const shown = html`${keys([
    ...(train.length > 0 ? [{ name: 'rows it learns from', kind: 'second' as const }] : []),
    ...(valid.length > 0 ? [{ name: 'rows kept aside', kind: 'main' as const }] : []),
  ])}${chart}`;
  return figure({ title, read: text.read, worry: text.worry, ...(lead !== undefined && { lead }) }, shown);
}

function series(points: readonly TrainingPoint[], part: 'train' | 'valid' | 'rate' | 'gradient'): Curve {
  return points.flatMap((point) => {
    const value = point[part];
    return isNumber(point.step) && isNumber(value) ? [[point.step, value] as const] : [];
  });
}

/** A line of one point shows nothing. */
function lone(curve: Curve): Curve {
  return curve.length === 1 ? curve : [];
}
