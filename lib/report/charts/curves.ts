import * as Plot from '@observablehq/plot';
import { decimal, isNumber, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BinaryEvaluation, Curve } from '../measure-types.ts';
import { thinCurve } from '../thin.ts';
import type { Words } from '../words.ts';
import {
  ACCENT,
  ACCENT_SOFT,
  DASHES,
  draw,
  figure,
  INK,
  keys,
  MUTED,
  nothing,
  SURFACE,
  tickPercent,
} from './draw.ts';

const UNIT = { domain: [0, 1], ticks: 5, tickFormat: tickPercent };
const SQUARE_HEIGHT = 300;
const TOO_FEW = 'Too few users to draw a curve.';

/** ROC curve: who is found against who is bothered in vain, over all thresholds (Fawcett 2006). */
export function rocFigure(evaluation: BinaryEvaluation, words: Words): Html {
  const { roc, auroc, confusion } = evaluation;
  const text = {
    title: 'ROC curve',
    lead: `AUROC ${decimal(auroc)}`,
    read: `Line: going down the list from the highest score, how many of those who ${words.did} are found (up), and how many of those who ${words.didNot} come with them (right). The closer to the top left corner, the better. The dot is a probability of ${decimal(confusion.threshold, 2)}.`,
    worry:
      'the line falls below the dashed diagonal (worse than chance), or hugs the corner perfectly (something from the future may have leaked in).',
  };
  if (!isNumber(auroc)) return figure(text, nothing('Not defined: it takes users of both outcomes.'));
  if (roc.length < 2) return figure(text, nothing(TOO_FEW));
  const negatives = confusion.fp + confusion.tn;
  const positives = confusion.tp + confusion.fn;
  const dot =
    negatives > 0 && positives > 0 ? [[confusion.fp / negatives, confusion.tp / positives] as const] : [];
  const chart = draw(`ROC curve, area ${decimal(auroc)}; chance would be 0.5`, {
    height: SQUARE_HEIGHT,
    x: { ...UNIT, label: 'false positive rate' },
    y: { ...UNIT, label: 'true positive rate', grid: true },
    marks: curveMarks(
      roc,
      dot,
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: MUTED, strokeDasharray: DASHES },
      ),
    ),
  });
  return figure(
    text,
    html`${keys([
      { name: 'scores', kind: 'main' },
      { name: 'chance', kind: 'dashed' },
    ])}${chart}`,
  );
}

/** Precision over recall; its area is the average precision. */
export function precisionRecallFigure(evaluation: BinaryEvaluation, words: Words): Html {
  const { pr, auprc, positives: all, n, confusion } = evaluation;
  const baseRate = n > 0 ? all / n : null;
  const text = {
    title: 'Precision and recall',
    lead: `AUPR ${decimal(auprc)}, base rate ${percent(baseRate)}`,
    read: `Line: cut the list where this share of those who ${words.did} is found (right), and so many of those above the cut are among them (up). Dashed: the base rate, a list in random order. The dot is a probability of ${decimal(confusion.threshold, 2)}.`,
    worry:
      'the line lies on or below the dashed line, or drops steeply at the very left: then the highest scores are wrong.',
  };
  if (!isNumber(auprc)) return figure(text, nothing(`Not defined: there were no ${words.takers} to find.`));
  if (pr.length < 2) return figure(text, nothing(TOO_FEW));
  const picked = confusion.tp + confusion.fp;
  const positives = confusion.tp + confusion.fn;
  const dot = picked > 0 && positives > 0 ? [[confusion.tp / positives, confusion.tp / picked] as const] : [];
  const chart = draw(`Precision over recall, area ${decimal(auprc)}; base rate ${percent(baseRate)}`, {
    height: SQUARE_HEIGHT,
    x: { ...UNIT, label: 'recall' },
    y: { ...UNIT, label: 'precision', grid: true },
    marks: curveMarks(
      pr,
      dot,
      isNumber(baseRate) ? Plot.ruleY([baseRate], { stroke: MUTED, strokeDasharray: DASHES }) : null,
    ),
  });
  return figure(
    text,
    html`${keys([
      { name: 'scores', kind: 'main' },
      { name: 'at random', kind: 'dashed' },
    ])}${chart}`,
  );
}

/** The area under the curve below the yardstick's dashes, the curve itself above them. */
function curveMarks(points: Curve, dot: Curve, yardstick: Plot.Markish): Plot.Markish[] {
  const curve = thinCurve(points);
  return [
    // y1 is told, since areaY would otherwise stack points of the same x on each other
    Plot.areaY(curve, { x: '0', y1: 0, y2: '1', fill: ACCENT_SOFT, fillOpacity: 0.6 }),
    yardstick,
    Plot.line(curve, { stroke: ACCENT, strokeWidth: 2 }),
    Plot.dot(dot, { r: 4.5, fill: SURFACE, stroke: INK, strokeWidth: 1.5 }),
  ];
}
