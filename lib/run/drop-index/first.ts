/** The first few of many values, in memory for no more than twice as many. */
export class First<T> {
  #values: T[] = [];
  readonly #most: number;
  readonly #compare: (a: T, b: T) => number;

  constructor(most: number, compare: (a: T, b: T) => number) {
    this.#most = most;
    this.#compare = compare;
  }

  add(value: T): void {
    this.#values.push(value);
    if (this.#values.length >= 2 * this.#most) this.#values = this.all();
  }

  /** In their order. */
  all(): T[] {
    return [...this.#values].sort(this.#compare).slice(0, this.#most);
  }
}
