import { type Export, utc } from '../shop.ts';

interface Item {
  readonly sku: string;
  readonly qty: number;
  readonly price: number;
  readonly refunded?: number;
  readonly discount?: number;
  /** A configurable product stands in the order twice. */
  readonly configurable?: true;
}

const order = (
  id: number,
  state: string,
  created: string,
  email: string,
  items: readonly Item[],
  more: object = {},
) =>
  JSON.stringify({
    ...{ entity_id: id, increment_id: String(id).padStart(9, '0'), created_at: created, updated_at: created },
    ...{ state, status: state, customer_email: email, customer_id: 5, customer_is_guest: 0 },
    ...{ base_currency_code: 'EUR', order_currency_code: 'EUR', grand_total: 1 },
    items: items.flatMap(({ sku, qty, price, refunded = 0, discount = 0, configurable }, i) => {
      const parent = {
        ...{ item_id: id * 10 + i, order_id: id, sku, name: sku, qty_ordered: qty, qty_refunded: refunded },
        ...{ base_price: price, base_row_total: qty * price, base_discount_amount: discount },
        product_type: configurable ? 'configurable' : 'simple',
      };
      const child = {
        ...parent,
        item_id: id * 10 + 5 + i,
        parent_item_id: parent.item_id,
        base_price: 0,
        base_row_total: 0,
      };
      return configurable ? [parent, { ...child, product_type: 'simple', parent_item: parent }] : [parent];
    }),
    ...more,
  });
const AT = '2025-03-01 10:00:00';

export const magento: Export = {
  file: 'orders.jsonl',
  special: [
    order(1, 'complete', AT, 'Ann@Shop.example', [
      { sku: 'sku-0', qty: 2, price: 19.9, discount: 3.8 },
      { sku: 'sku-1', qty: 1, price: 80, configurable: true },
    ]),
    order(2, 'closed', AT, 'bob@shop.example', [{ sku: 'sku-1', qty: 1, price: 80, refunded: 1 }]),
    // Of two lines one went back as a whole, of the other a part.
    order(3, 'complete', AT, 'bob@shop.example', [
      { sku: 'sku-1', qty: 1, price: 80, refunded: 1 },
      { sku: 'sku-2', qty: 3, price: 140, refunded: 1 },
    ]),
    order(4, 'canceled', AT, 'bob@shop.example', [{ sku: 'sku-1', qty: 1, price: 80 }]),
    order(5, 'new', AT, 'bob@shop.example', [{ sku: 'sku-1', qty: 1, price: 80 }]),
    order(6, 'complete', AT, 'guest@shop.example', [{ sku: 'sku-3', qty: 1, price: 12 }], {
      customer_id: null,
      customer_is_guest: 1,
    }),
    // Paid in another currency: the base currency is the shop's.
    order(7, 'complete', AT, 'eve@shop.example', [{ sku: 'sku-3', qty: 1, price: 12 }], {
      order_currency_code: 'USD',
    }),
    order(8, 'complete', AT, 'eve@shop.example', [{ sku: 'sku-3', qty: 1, price: 12 }], {
      base_currency_code: 'GBP',
    }),
  ],
  rows: (visits) =>
    visits
      .filter(({ lines }) => lines.length > 0)
      .map(({ id, email, time, lines }) =>
        order(
          1000 + id,
          'complete',
          utc(time),
          email,
          lines.map(({ sku, quantity, price }) => ({ sku, qty: quantity, price })),
        ),
      ),
};
