import type { Preset } from './preset.ts';

const TYPES = `CASE event
  WHEN 'Product Viewed' THEN 'view'
  WHEN 'Products Searched' THEN 'search'
  WHEN 'Product Added' THEN 'cart'
  WHEN 'Product Removed' THEN 'uncart'
  WHEN 'Product Added to Wishlist' THEN 'favorite'
  WHEN 'Product Reviewed' THEN 'review'
  WHEN 'Order Completed' THEN 'purchase'
  WHEN 'Order Refunded' THEN 'return'
  WHEN 'Order Cancelled' THEN 'return' END`;
const NAMES = [...TYPES.matchAll(/WHEN ('[^']+')/g)].map(([, name]) => name).join(', ');

/** Calls of the e-commerce spec that Segment wrote and RudderStack took over, as each archives them: one call a line. */
function trackCalls(name: string, title: string, archive: string): Preset {
  return {
    name,
    title,
    shapes: [
      {
        title: archive,
        name: 'events',
        needs: ['type', 'event', 'messageId', 'anonymousId', 'timestamp', 'properties'],
        currency: { column: 'properties', expression: 'properties.currency' },
        source: {
          format: 'jsonl',
          table: 'events',
          unnest: 'properties.products',
          columns: {
            user: `coalesce(nullif(userId, ''), anonymousId)`,
            time: 'timestamp',
            type: TYPES,
            item: 'coalesce(element.product_id, element.sku, properties.product_id, properties.sku)',
            quantity: 'coalesce(element.quantity, properties.quantity)',
            price: 'coalesce(element.price, properties.price)',
            amount: `CASE WHEN element IS NULL AND event LIKE 'Order %' THEN coalesce(properties.total, properties.revenue) END`,
            session: 'properties.order_id',
            text: 'coalesce(properties.query, properties.review_body)',
          },
          optional: ['userId'],
          where: { shop_event: `type = 'track' AND event IN (${NAMES})` },
          key: ['messageId', 'element_number'],
        },
        why: {
          unnest:
            'Each product of a call becomes a row: "element" is the product. Calls without a list stay one row.',
          'columns.user': 'Who signs in later is another user until then: the two ids are not joined.',
          'columns.item': 'Calls about one product carry it beside their other properties.',
          'columns.amount': 'Of orders whose products were not sent; else quantity times price.',
          'where.shop_event': 'All other calls: pages, identifications, events of your own. Map yours here.',
          key: 'Archives may hold a call twice.',
        },
        becomes: {
          refunds: 'a return at the time of "Order Refunded"',
          cancelled:
            'a return at the time of "Order Cancelled"; the purchase before it stays, as it was known',
          guests: 'users by anonymousId; who signs in becomes the user of userId from then on',
          currencies: 'calls in another currency than the shop’s are quarantined',
        },
      },
    ],
  };
}

export const segment = trackCalls(
  'segment',
  'Segment',
  'the raw archive of the destination "AWS S3" (segment-logs/…/*.gz), one call a line',
);

export const rudderstack = trackCalls(
  'rudderstack',
  'RudderStack',
  'the destination "Amazon S3" (rudder-logs/…/*.json.gz), one call a line',
);
