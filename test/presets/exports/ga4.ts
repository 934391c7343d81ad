import type { Export } from '../shop.ts';

type Param = readonly [string, string | number];

/** As `bq extract --destination_format NEWLINE_DELIMITED_JSON` writes it: 64-bit integers as text, NULLs left out. */
const event = (
  name: string,
  user: string,
  ms: number,
  params: readonly Param[],
  items: readonly object[] = [],
  more: object = {},
) =>
  JSON.stringify({
    event_date: new Date(ms).toISOString().slice(0, 10).replaceAll('-', ''),
    event_timestamp: String(ms * 1000),
    event_name: name,
    event_params: params.map(([key, value]) => ({
      key,
      value:
        typeof value === 'number'
          ? Number.isInteger(value)
            ? { int_value: String(value) }
            : { double_value: value }
          : { string_value: value },
    })),
    event_bundle_sequence_id: '1',
    ...(user === '' ? {} : { user_pseudo_id: user }),
    user_properties: [],
    device: { category: 'mobile' },
    items,
    ...more,
  });
const item = (id: string, price: number, quantity = 1) => ({
  item_id: id,
  item_name: id,
  price,
  quantity: String(quantity),
});
const AT = Date.UTC(2025, 2, 1, 10);
const SESSION: Param = ['ga_session_id', 1740823200];
const EUR: Param = ['currency', 'EUR'];

export const ga4: Export = {
  file: 'events_20250301.jsonl',
  special: [
    event('session_start', 'a.1', AT, [SESSION]),
    event('page_view', 'a.1', AT + 1, [SESSION, ['page_location', 'https://shop.example/']]),
    event('view_search_results', 'a.1', AT + 1000, [SESSION, ['search_term', 'red lamp']]),
    event('view_item', 'a.1', AT + 2000, [SESSION, EUR, ['value', 19.9]], [item('sku-0', 19.9)]),
    event('add_to_cart', 'a.1', AT + 3000, [SESSION, EUR], [item('sku-0', 19.9, 2)]),
    // One purchase of two items is two rows.
    event(
      'purchase',
      'a.1',
      AT + 4000,
      [SESSION, EUR, ['transaction_id', 'T1'], ['value', 119.8]],
      [item('sku-0', 19.9, 2), item('sku-1', 80)],
      { user_id: 'ann' },
    ),
    // The same event again, as a table that is written anew has it.
    event(
      'purchase',
      'a.1',
      AT + 4000,
      [SESSION, EUR, ['transaction_id', 'T1'], ['value', 119.8]],
      [item('sku-0', 19.9, 2), item('sku-1', 80)],
      { user_id: 'ann' },
    ),
    event('refund', 'a.1', AT + 5000, [EUR, ['transaction_id', 'T1'], ['value', 80]], [item('sku-1', 80)]),
    // Items were not sent.
    event('purchase', 'b.2', AT + 6000, [EUR, ['transaction_id', 'T2'], ['value', 42.5]]),
    event(
      'purchase',
      'c.3',
      AT + 7000,
      [
        ['currency', 'USD'],
        ['transaction_id', 'T3'],
        ['value', 12],
      ],
      [item('sku-3', 12)],
    ),
    // Without consent.
    event('view_item', '', AT + 8000, [EUR], [item('sku-0', 19.9)]),
    event('view_item', 'b.2', AT + 9000, [SESSION, EUR], [item('(not set)', 19.9)]),
  ],
  rows: (visits) =>
    visits.flatMap(({ id, customer, time, looks, lines }) => {
      const user = `${customer}.5`;
      const params: Param[] = [['ga_session_id', 1_750_000_000 + id], EUR];
      return [
        ...looks.map((sku, i) => event('view_item', user, time + 1000 * i, params, [item(sku, 20)])),
        ...(lines.length > 0
          ? [
              event(
                'purchase',
                user,
                time + 60_000,
                params,
                lines.map(({ sku, price, quantity }) => item(sku, price, quantity)),
              ),
            ]
          : []),
      ];
    }),
};
