/**
 * Keeps the largest of many scored numbers: a binary heap whose root is the worst of those kept. Equal scores go to
 * the smaller number first. One object serves many selections in turn.
 */
export class Best {
  readonly #limit: number;
  readonly #ids: Int32Array;
  readonly #scores: Float64Array;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#ids = new Int32Array(limit);
    this.#scores = new Float64Array(limit);
  }

  offer(id: number, score: number): void {
    if (this.#size < this.#limit) {
      let at = this.#size++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!this.#worse(id, score, parent)) break;
        this.#move(parent, at);
        at = parent;
      }
      this.#put(at, id, score);
    } else if (this.#limit > 0 && !this.#worse(id, score, 0)) {
      this.#sink(id, score);
    }
  }

  /** The numbers kept, best first; forgets them. */
  take(): number[] {
    return this.takeScored().map(({ id }) => id);
  }

  /** The same with their scores. */
  takeScored(): { id: number; score: number }[] {
    const order = Array.from({ length: this.#size }, (_, i) => i);
    order.sort((a, b) => this.#scores[b]! - this.#scores[a]! || this.#ids[a]! - this.#ids[b]!);
    this.#size = 0;
    return order.map((i) => ({ id: this.#ids[i]!, score: this.#scores[i]! }));
  }

  /** Is (id, score) worse than what stands at a place? */
  #worse(id: number, score: number, at: number): boolean {
    const other = this.#scores[at]!;
    return score < other || (score === other && id > this.#ids[at]!);
  }

  /** Replaces the root. */
  #sink(id: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && this.#worse(this.#ids[right]!, this.#scores[right]!, child)) child = right;
      if (this.#worse(id, score, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, id, score);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#ids[from]!, this.#scores[from]!);
  }

  #put(at: number, id: number, score: number): void {
    this.#ids[at] = id;
    this.#scores[at] = score;
  }
}
