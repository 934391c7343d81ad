import type { Preset } from './preset.ts';

/** The 131 fields of the enriched stream in their order; its files have no header line. */
const FIELDS =
  `app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector
  v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country geo_region geo_city
  geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
  page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment refr_urlscheme
  refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium
  mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event
  tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category
  ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family br_version
  br_type br_renderengine br_lang br_features_pdf br_features_flash br_features_java br_features_director
  br_features_quicktime br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight br_cookies
  br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile
  dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height tr_currency tr_total_base tr_tax_base
  tr_shipping_base ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
  refr_domain_userid refr_device_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
  event_format event_version event_fingerprint true_tstamp`.split(/\s+/);

/** What the action of `snowplow_ecommerce_action` is called, and what it is here. */
const TYPES = `CASE WHEN event = 'transaction_item' THEN 'purchase' ELSE CASE unstruct_event.data.data.type
  WHEN 'product_view' THEN 'view'
  WHEN 'add_to_cart' THEN 'cart'
  WHEN 'remove_from_cart' THEN 'uncart'
  WHEN 'transaction' THEN 'purchase'
  WHEN 'refund' THEN 'return' END END`;
const ACTIONS = [...TYPES.matchAll(/WHEN ('\w+') THEN/g)].map(([, name]) => name).join(', ');

export const snowplow: Preset = {
  name: 'snowplow',
  title: 'Snowplow',
  shapes: [
    {
      title: 'the enriched stream as it is stored in S3 or GCS (tab-separated, no header line)',
      name: 'events',
      needs: ['event', 'event_id', 'collector_tstamp', 'domain_userid', 'contexts', 'unstruct_event'],
      currency: { column: 'ti_currency', expression: `coalesce(element.currency, nullif(ti_currency, ''))` },
      source: {
        format: 'csv',
        csv: { delimiter: '\t', quote: '\u0001', columns: FIELDS },
        table: 'events',
        timeZone: 'UTC',
        unnest: `entities(contexts, 'com.snowplowanalytics.snowplow.ecommerce/product')`,
        columns: {
          user: `coalesce(user_id, domain_userid, network_userid)`,
          time: 'coalesce(derived_tstamp, collector_tstamp)',
          type: TYPES,
          item: 'coalesce(element.id, ti_sku)',
          quantity: 'coalesce(element.quantity, ti_quantity)',
          price: 'coalesce(element.price, ti_price)',
          session: 'domain_sessionid',
        },
        where: {
          shop_event: `event = 'transaction_item' OR (event_name = 'snowplow_ecommerce_action' AND unstruct_event.data.data.type IN (${ACTIONS}))`,
        },
        key: ['event_id', 'element_number'],
      },
      why: {
        csv: 'Quotes mean nothing in this format: a sign that no field holds stands for them.',
        unnest: 'Each product entity of an event becomes a row: "element" is the product.',
        'columns.user': 'The id that the shop sets where somebody is signed in, else that of the browser.',
        'columns.type': 'The e-commerce accelerator’s actions, and the older transaction items.',
        'where.shop_event': 'All other events: page views, pings, lists, checkouts.',
        key: 'The stream delivers at least once: an event that comes twice is one.',
      },
      becomes: {
        refunds: 'a return at the time of the action "refund"',
        cancelled: 'Snowplow has no such action; a cancelled order that was refunded is a return',
        guests: 'users by domain_userid, the browser’s id',
        currencies: 'products in another currency than the shop’s are quarantined',
      },
    },
  ],
};
