import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';

const withRules =
  (rules: object, of = 'item') =>
  () =>
    parseConfig({
      shop: { timeZone: 'UTC' },
      sources: {
        products: {
          format: 'csv',
          table: 'items',
          columns: { item: 'sku' },
          attributes: { numbers: { left: 'stock' }, categories: ['shelf'] },
        },
      },
      tasks: { offers: { kind: 'next', horizonDays: 7, of, ...rules } },
    });

describe('rules of a list', () => {
  it('are no part of a task that has none', () => {
    expect(withRules({})().tasks.offers).toEqual({
      kind: 'next',
      event: 'purchase',
      of: 'item',
      horizonDays: 7,
      k: 10,
    });
  });

  it('name attributes that there are', () => {
    expect(withRules({ stock: 'left', overstock: { above: 10, boost: 1 } })).not.toThrow();
    expect(withRules({ stock: 'stock' })).toThrow(/tasks\.offers\.stock: given "stock".*"left"/);
    expect(withRules({ stock: 'shelf' })).toThrow('a number attribute');
  });

  it('raise what is overstocked by its stock alone', () => {
    const overstock = { above: 10, boost: 1 };
    expect(withRules({ overstock })).toThrow('without "stock"');
    expect(withRules({ overstock, stock: 'left' }, 'shelf')).toThrow("of: 'item'");
  });

  it('are refused where a share is none', () => {
    expect(withRules({ mix: { again: 1.5 } })).toThrow('tasks.offers.mix.again');
    expect(withRules({ exclude: 'viewed' })).toThrow('tasks.offers.exclude');
  });
});
