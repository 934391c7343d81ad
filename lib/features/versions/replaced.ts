/** Tells which lines no longer count: for identities that several drops tell of, the one drop whose lines do. */
export class ReplacedLines {
  /** Open addressing: words of the identity, and the drop + 1; 0 is free. Identities are hashes, so their bits serve. */
  #ids = new Uint32Array(2 * 256);
  #winners = new Int32Array(256);
  #size = 0;
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param numbers of drops, by dropId */
  constructor(numbers: ReadonlyMap<string, number>) {
    this.#numbers = numbers;
  }

  /** Identities of which only one drop's lines count. */
  get size(): number {
    return this.#size;
  }

  /** Says whose lines count; a later call for the same identity overrules it. */
  set(low: number, high: number, drop: number): void {
    if (2 * this.#size >= this.#winners.length) this.#grow();
    const slot = this.#slot(low, high);
    if (this.#winners[slot] === 0) this.#size++;
    this.#ids[2 * slot] = low;
    this.#ids[2 * slot + 1] = high;
    this.#winners[slot] = drop + 1;
  }

  /** Asks about lines of one drop; undefined where all of them count, whatever their identity. */
  of(dropId: string): ((low: number, high: number) => boolean) | undefined {
    const own = this.#numbers.get(dropId);
    if (own === undefined || this.#size === 0) return undefined;
    return (low, high) => {
      const winner = this.#winners[this.#slot(low, high)]!;
      return winner !== 0 && winner !== own + 1;
    };
  }

  /** Where the identity stands, or would. */
  #slot(low: number, high: number): number {
    const mask = this.#winners.length - 1;
    let slot = (low ^ high) & mask;
    while (this.#winners[slot] !== 0 && (this.#ids[2 * slot] !== low || this.#ids[2 * slot + 1] !== high)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const ids = this.#ids;
    const winners = this.#winners;
    this.#ids = new Uint32Array(4 * winners.length);
    this.#winners = new Int32Array(2 * winners.length);
    winners.forEach((winner, slot) => {
      if (winner === 0) return;
      const to = this.#slot(ids[2 * slot]!, ids[2 * slot + 1]!);
      this.#ids[2 * to] = ids[2 * slot]!;
      this.#ids[2 * to + 1] = ids[2 * slot + 1]!;
      this.#winners[to] = winner;
    });
  }
}
