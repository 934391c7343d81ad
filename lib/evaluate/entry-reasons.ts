import type { ListReasonRow } from '../report/index.ts';

/** Counts why entries stand in lists, with the first example of each kind; memory does not grow with the users. */
export class EntryReasonCounts {
  readonly #kinds = new Map<string, { places: number; item: string; words: string }>();

  /** @param text the reasons of a user's list as scores hold them */
  add(text: string | null | undefined): void {
    if (text === null || text === undefined) return;
    const entries: readonly { name: string; reason: string; words: string }[] = JSON.parse(text);
    for (const { name: item, reason, words } of entries) {
      const own = this.#kinds.get(reason);
      if (own) own.places++;
      else this.#kinds.set(reason, { places: 1, item, words });
    }
  }

  /** By places, most first. */
  rows(): ListReasonRow[] {
    return [...this.#kinds]
      .map(([reason, own]) => ({ reason, ...own }))
      .sort((a, b) => b.places - a.places || (a.reason < b.reason ? -1 : 1));
  }
}
