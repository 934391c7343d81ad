/** How shops and trackers call the kinds of events, without blanks and signs. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  view: [
    'view',
    'viewed',
    'pageview',
    'productview',
    'productviewed',
    'viewitem',
    'itemview',
    'viewproduct',
    'detail',
    'click',
    'visit',
  ],
  search: ['search', 'searched', 'searchresults', 'query', 'productssearched'],
  cart: ['cart', 'addtocart', 'tocart', 'addcart', 'add', 'basket', 'addtobasket', 'productadded', 'cartadd'],
  uncart: ['uncart', 'removefromcart', 'remove', 'removefrombasket', 'productremoved', 'cartremove'],
  favorite: ['favorite', 'favourite', 'fav', 'wishlist', 'addtowishlist', 'like', 'liked', 'addtofavorites'],
  purchase: [
    'purchase',
    'purchased',
    'buy',
    'bought',
    'order',
    'ordered',
    'sale',
    'sold',
    'transaction',
    'ordercompleted',
    'checkoutcomplete',
  ],
  return: ['return', 'returned', 'refund', 'refunded', 'orderrefunded', 'creditnote'],
  review: ['review', 'reviewed', 'rating'],
  message: ['message', 'contact', 'ticket'],
};

const TYPES = new Map(
  Object.entries(WORDS).flatMap(([type, words]) => words.map((word) => [word, type] as const)),
);

/** The event type that a value of a shop's own means; undefined for one that says nothing. */
export const eventTypeOf = (value: string): string | undefined =>
  TYPES.get(value.toLowerCase().replaceAll(/[^a-z]/g, ''));

/** Values of an order's status that mean it never was, or is no more. */
export const isVoidStatus = (value: string): boolean =>
  /cancel|void|refund|fail|declin|storn|annul|reject|return/i.test(value);
