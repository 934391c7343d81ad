import { Best } from './best.ts';

interface Scored {
  readonly id: number;
  readonly score: number;
}

/** How a list is put together from scored candidates. */
interface Choice {
  /** Added to the score, by unit. */
  readonly boost?: Float64Array | undefined;
  /** Entries at most that the user has had before, as long as there is something new. */
  readonly again?: number | undefined;
}

/**
 * Chooses a user's list among candidates: those with the highest scores, equal ones by number. Where entries that the user has
 * had before are bounded, the best of the others take the places beyond the bound; what is left over is filled by either.
 * One object serves many users in turn.
 */
export class ListPicker {
  readonly #k: number;
  readonly #choice: Choice;
  /** New to the user, and had before; all are in the first where nothing is bounded. */
  readonly #fresh: Best;
  readonly #again: Best;

  constructor(k: number, choice: Choice = {}) {
    this.#k = k;
    this.#choice = choice;
    this.#fresh = new Best(k);
    this.#again = new Best(choice.again === undefined ? 0 : k);
  }

  /** @param had has the user had it before? */
  offer(unit: number, score: number, had: boolean): void {
    const { boost, again } = this.#choice;
    const best = had && again !== undefined ? this.#again : this.#fresh;
    best.offer(unit, boost ? score + boost[unit]! : score);
  }

  /** The list, best first; forgets the candidates. */
  take(): Scored[] {
    const fresh = this.#fresh.takeScored();
    const again = this.#again.takeScored();
    if (again.length === 0) return fresh;
    // Of the best k of either kind so many are had before; beyond the bound only places that nothing new takes.
    const bound = Math.max(this.#choice.again!, this.#k - fresh.length);
    const allowed = again.slice(0, bound);
    return [...fresh, ...allowed].sort((a, b) => b.score - a.score || a.id - b.id).slice(0, this.#k);
  }
}
