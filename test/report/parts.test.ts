import { describe, expect, it } from 'vitest';
import { wilsonInterval } from '../../lib/report/charts/reliability.ts';
import {
  bytes,
  clip,
  count,
  decimal,
  duration,
  percent,
  plain,
  significant,
} from '../../lib/report/format.ts';
import { escapeHtml, html } from '../../lib/report/html.ts';
import { thinCurve } from '../../lib/report/index.ts';
import { palette } from '../../lib/report/style.ts';
import { evaluate, scoredUsers, seeded } from './sample.ts';

describe('numbers', () => {
  it('are written for people', () => {
    expect(count(541909)).toBe('541,909');
    expect(count(-0.2)).toBe('0');
    expect(decimal(0.75149)).toBe('0.751');
    expect(decimal(-0.0001)).toBe('0.000');
    expect(percent(0.569)).toBe('56.9\u00a0%');
    expect(percent(0.0002)).toBe('<0.1\u00a0%');
    expect(percent(0.99999)).toBe('>99.9\u00a0%');
    expect([percent(0), percent(1)]).toEqual(['0.0\u00a0%', '100.0\u00a0%']);
    expect(significant(0.086)).toBe('0.0860');
    expect(significant(1234.5)).toBe('1,235');
    expect(significant(0.00001234)).toBe('1.2e-5');
    expect(bytes(12_345_678)).toBe('12.3\u00a0MB');
    expect(duration(125)).toBe('2\u00a0min 5\u00a0s');
    expect(duration(7260)).toBe('2\u00a0h 1\u00a0min');
  });

  it('that are none are a dash', () => {
    for (const write of [count, decimal, percent, significant, bytes, duration]) {
      for (const none of [Number.NaN, Number.POSITIVE_INFINITY, null, undefined])
        expect(write(none)).toBe('–');
    }
  });
});

describe('text from data', () => {
  it('is escaped by the template, not by whoever uses it', () => {
    expect(html`<p title="${'"\'&<>'}">${[html`<b>${'<i>'}</b>`]}${false}</p>`.markup).toBe(
      '<p title="&quot;&#39;&amp;&lt;&gt;"><b>&lt;i&gt;</b></p>',
    );
  });

  it('loses what would reach beyond its cell', () => {
    expect(plain('a\u0000b\u202ec\nd\ud800')).toBe('a b\ufffdc d\ufffd');
    expect(escapeHtml('x\u2028y')).toBe('x y');
  });

  it('is cut by columns of print, and says so', () => {
    expect(clip('short', 5)).toBe('short');
    expect(clip('much too long', 8)).toBe('much too…');
    expect(clip('日本語日本語', 5.5)).toBe('日本語…');
  });
});

describe('thinCurve', () => {
  it('keeps the ends, the order and the shape with few points', () => {
    // given: the ROC curve of 20,000 users
    const { roc } = evaluate(scoredUsers(20_000, seeded(5), 0));

    // when
    const thin = thinCurve(roc, 200);

    // then
    expect(thin.length).toBeLessThanOrEqual(200);
    expect([thin[0], thin.at(-1)]).toEqual([roc[0], roc.at(-1)]);
    let at = -1;
    for (const point of thin) {
      const next = roc.indexOf(point, at + 1);
      expect(next).toBeGreaterThan(at);
      at = next;
    }
    expect(Math.abs(areaUnder(thin) - areaUnder(roc))).toBeLessThan(0.001);
  });

  it('keeps a spike that runs back along its own line', () => {
    const spike = [
      [0, 1],
      [0, 0],
      [0, 0.9],
      [1, 0.5],
    ] as const;
    expect(thinCurve(spike)).toEqual(spike);
  });

  it('leaves out points on a straight line and those that are not finite', () => {
    const line = Array.from({ length: 50 }, (_, i) => [i, 2 * i] as const);
    expect(thinCurve([...line, [Number.NaN, 3]])).toEqual([line[0], line[49]]);
    expect(thinCurve([])).toEqual([]);
    expect(
      thinCurve([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
    ).toHaveLength(2);
  });
});

describe('wilsonInterval', () => {
  it('agrees with worked values of the score interval', () => {
    // 81 of 263 (Newcombe 1998, Table I, method 3): 0.2553 to 0.3662; 0 of 20: 0 to 0.1611
    const [low, high] = wilsonInterval(81 / 263, 263);
    expect([low.toFixed(4), high.toFixed(4)]).toEqual(['0.2553', '0.3662']);
    expect(wilsonInterval(0, 20).map((end) => end.toFixed(4))).toEqual(['0.0000', '0.1611']);
  });
});

describe('colours', () => {
  it('of text have a contrast of at least 4.5, of lines 3, on each surface (WCAG 2.2, 1.4.3 and 1.4.11)', () => {
    for (const colours of Object.values(palette)) {
      for (const surface of [colours.page, colours.surface]) {
        for (const text of [colours.ink, colours.muted, colours.accent, colours.worry]) {
          expect(contrast(text, surface)).toBeGreaterThanOrEqual(4.5);
        }
        expect(contrast(colours.second, surface)).toBeGreaterThanOrEqual(3);
      }
      expect(contrast(colours.worry, colours['worry-soft'])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colours.ink, colours['accent-soft'])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colours.ink, colours.track)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

function areaUnder(curve: readonly (readonly [number, number])[]): number {
  let area = 0;
  for (let i = 1; i < curve.length; i++) {
    const [x1, y1] = curve[i - 1]!;
    const [x2, y2] = curve[i]!;
    area += ((x2 - x1) * (y1 + y2)) / 2;
  }
  return area;
}

/** Contrast ratio of two colours '#rrggbb' (WCAG 2.2, relative luminance). */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
}
