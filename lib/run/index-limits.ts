/** How much of the drops one call of the tick looks at. */
export interface IndexLimits {
  /** With more drops than these an index is begun; until then every call lists all. */
  readonly from: number;
  /** Keys below `drop/` that a call lists: 1,000 are a request. */
  readonly keys: number;
  /** Drops of which a call asks how far they are, about three requests each, … */
  readonly looks: number;
  /** … while no more than these wait. Else the results are listed, slice by slice of all dropIds, … */
  readonly few: number;
  /** … until a call has made so many requests. */
  readonly requests: number;
  /** Rows of a segment at most. */
  readonly rows: number;
}

export const LIMITS: IndexLimits = {
  from: 30_000,
  keys: 150_000,
  looks: 200,
  few: 2_000,
  requests: 6_000,
  rows: 16_384,
};

/** Of a listing. */
export const PAGE = 1000;
