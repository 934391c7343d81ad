import type { Members } from './segments.ts';

/** Where a drop stands: the number of the segment and the place in it. */
export interface Place {
  readonly segment: number;
  readonly row: number;
}

/** Finds the rows of a dropId in many segments: hashing with open addressing, 4 bytes a slot. */
export class Table {
  readonly #members: readonly Members[];
  /** Number of the first row of each segment, and of all. */
  readonly #starts: number[] = [0];
  readonly #slots: Uint32Array;
  readonly #mask: number;

  constructor(members: readonly Members[]) {
    this.#members = members;
    for (const { flags } of members) this.#starts.push(this.#starts.at(-1)! + flags.length);
    let size = 16;
    while (size < 2 * this.#starts.at(-1)!) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
    let number = 0;
    for (const { ids } of members) {
      for (let i = 0; i < ids.length; i += 2) {
        let slot = ids[i]! & this.#mask;
        while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
        this.#slots[slot] = ++number;
      }
    }
  }

  /** Every row of a dropId, those of the first segments first. @param low, high its halves, as members hold them */
  places(low: number, high: number): Place[] {
    const found: Place[] = [];
    for (let slot = low & this.#mask; this.#slots[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const place = this.#placeOf(this.#slots[slot]! - 1);
      const { ids } = this.#members[place.segment]!;
      if (ids[2 * place.row] === low && ids[2 * place.row + 1] === high) found.push(place);
    }
    return found.sort((a, b) => a.segment - b.segment || a.row - b.row);
  }

  #placeOf(number: number): Place {
    let low = 0;
    let high = this.#starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= number) low = middle;
      else high = middle;
    }
    return { segment: low, row: number - this.#starts[low]! };
  }
}
