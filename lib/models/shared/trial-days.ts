/** A task is judged at so many cut-offs where its history allows it, and there are so many trials of all tasks. */
const DAYS_A_TASK = 3;
const MOST_DAYS = 4;

/**
 * Past days at which candidates are tried, ascending: for each horizon its latest closed windows, those apart from one
 * another first. A day is of use where windows were over before it, to learn from, and its own is over by now.
 * @param horizons days of the tasks' windows
 * @param grid training cut-offs, ascending
 */
export function trialDays(horizons: readonly number[], grid: readonly number[], asOf: number): number[] {
  const learnt = (day: number, horizon: number) =>
    grid.filter((cutoff) => cutoff < day).length >= 2 && grid.some((cutoff) => cutoff + horizon <= day);
  const wished = [...new Set(horizons)]
    .sort((a, b) => b - a)
    .map((horizon) => {
      const at = (step: number) =>
        Array.from({ length: DAYS_A_TASK }, (_, k) => asOf - horizon - k * step).filter((day) =>
          learnt(day, horizon),
        );
      const apart = at(horizon);
      return apart.length > 1 ? apart : at(Math.ceil(horizon / 2));
    });
  const days = new Set<number>();
  for (let k = 0; k < DAYS_A_TASK; k++) {
    for (const own of wished) {
      const day = own[k];
      if (day !== undefined && days.size < MOST_DAYS) days.add(day);
    }
  }
  return [...days].sort((a, b) => a - b);
}
