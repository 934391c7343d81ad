/** Work whose end is near is not estimated. */
const SHORTEST_MS = 5000;

/** '5 min 20 s' -> of long spans only what matters: '2 h 5 min', '3 min', '40 s'. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Adds to lines of progress how long a part will still take, from its own pace: a line that says 'step 120 of 900' belongs
 * to the part that is named before the numbers.
 */
export class Eta {
  #part = '';
  #start = { done: 0, at: 0 };
  #last = 0;

  /** @param now ms of any clock that only goes forward */
  withEta(text: string, now: number): string {
    const [, part, done, of] = /^(.*?)([\d,]+) of ([\d,]+)/.exec(text) ?? [];
    if (part === undefined || done === undefined || of === undefined) return text;
    const [at, end] = [Number(done.replaceAll(',', '')), Number(of.replaceAll(',', ''))];
    if (part !== this.#part || at < this.#last) {
      this.#part = part;
      this.#start = { done: at, at: now };
    }
    this.#last = at;
    const gone = now - this.#start.at;
    const made = at - this.#start.done;
    if (gone < SHORTEST_MS || made <= 0) return text;
    const left = (gone / made) * (end - at);
    return left < SHORTEST_MS ? text : `${text}, about ${span(left / 1000)} left`;
  }
}
