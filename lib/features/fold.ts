import { DataError, formatDay } from '../data/index.ts';
import type { UserDay } from './days.ts';
import { VISIT_ITEMS } from './spec.ts';
import { AT, DECAYED, type UserState } from './state.ts';
import { VisitList } from './visit-list.ts';

/** Room for the visits of one day, used by one call at a time. */
const visits = new VisitList(Number.MAX_SAFE_INTEGER);
const itemLines = new Float64Array(VISIT_ITEMS);

/**
 * Adds one complete merged day to a user's state. Days come in strictly ascending order.
 * @throws DataError for a day that is not later than the last one added
 */
export function addDay(state: UserState, { day, entries, start, end }: UserDay): void {
  if (!(day > state.day)) {
    throw new DataError(
      `day ${formatDay(day)} cannot be added after ${formatDay(state.day)}: fold complete days in ascending order`,
    );
  }
  state.day = day;
  state.forgetDaysBefore(day);
  visits.reset();
  const { type, key, time, hour, item, lines, units, money } = entries;
  const { numbers, hours, items, stride } = state;

  for (let i = start; i < end; ) {
    const t = type[i]!;
    const at = t * stride;
    const firstVisit = visits.end;
    let dayLines = 0;
    let dayUnits = 0;
    let dayMoney = 0;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    // Canonical order makes visits, and items within a visit, runs of equal values.
    while (i < end && type[i] === t) {
      const visit = visits.push();
      const k = key[i]!;
      let visitTime = Number.POSITIVE_INFINITY;
      let visitHour = 0;
      let visitLines = 0;
      let visitUnits = 0;
      let visitMoney = 0;
      let distinct = 0;
      while (i < end && type[i] === t && key[i] === k) {
        const name = item[i]!;
        let sameLines = 0;
        let sameUnits = 0;
        do {
          const ms = time[i]!;
          if (ms < visitTime) {
            visitTime = ms;
            visitHour = hour[i]!;
          }
          if (ms > last) last = ms;
          const n = lines[i]!;
          sameLines += n;
          sameUnits += units[i]!;
          visitMoney += money[i]!;
          hours[hour[i]!]! += n;
          numbers[at + AT.parts + (hour[i]! >> 2)]! += n;
          i++;
        } while (i < end && item[i] === name && key[i] === k && type[i] === t);
        visitLines += sameLines;
        visitUnits += sameUnits;
        if (name >= 0) {
          items.touch(name, t, sameLines, sameUnits);
          addMainItem(visit, distinct, name, sameLines);
          distinct++;
        }
      }
      visits.time[visit] = visitTime;
      visits.day[visit] = day;
      visits.type[visit] = t;
      visits.hour[visit] = visitHour;
      visits.distinctItems[visit] = distinct;
      visits.lines[visit] = visitLines;
      visits.units[visit] = visitUnits;
      visits.money[visit] = visitMoney;
      visits.itemCount[visit] = Math.min(distinct, VISIT_ITEMS);
      if (visitTime < first) first = visitTime;
      dayLines += visitLines;
      dayUnits += visitUnits;
      dayMoney += visitMoney;
    }
    addTypeDay(state, t, day, dayLines, dayUnits, dayMoney, visits.end - firstVisit, first, last);
  }
  items.settle(day, (t, isNew) => {
    numbers[t * stride + AT.itemDays]! += 1;
    if (isNew) numbers[t * stride + AT.newItems]! += 1;
  });
  appendVisits(state.visits);
}

/** Keeps the visit's items with the most lines; names arrive in ascending order, so equals stay in that order. */
function addMainItem(visit: number, known: number, name: number, lines: number): void {
  const base = visit * VISIT_ITEMS;
  let place = Math.min(known, VISIT_ITEMS);
  if (place === VISIT_ITEMS && itemLines[VISIT_ITEMS - 1]! >= lines) return;
  if (place === VISIT_ITEMS) place--;
  while (place > 0 && itemLines[place - 1]! < lines) {
    itemLines[place] = itemLines[place - 1]!;
    visits.items[base + place] = visits.items[base + place - 1]!;
    place--;
  }
  itemLines[place] = lines;
  visits.items[base + place] = name;
}

function addTypeDay(
  state: UserState,
  type: number,
  day: number,
  lines: number,
  units: number,
  money: number,
  visitCount: number,
  first: number,
  last: number,
): void {
  const { numbers, halfLives } = state;
  const at = type * state.stride;
  const isFirst = numbers[at + AT.activeDays] === 0;
  const gap = isFirst ? 0 : day - numbers[at + AT.lastDay]!;
  if (isFirst) {
    numbers[at + AT.firstTime] = first;
    numbers[at + AT.firstDay] = day;
  } else {
    numbers[at + AT.gaps]! += 1;
    numbers[at + AT.gapSum]! += gap;
    numbers[at + AT.gapSquares]! += gap * gap;
    numbers[at + AT.gapLast] = gap;
    if (gap > numbers[at + AT.gapMax]!) numbers[at + AT.gapMax] = gap;
  }
  const spend = Math.abs(money);
  for (let h = 0; h < halfLives.length; h++) {
    const factor = isFirst ? 0 : 2 ** (-gap / halfLives[h]!);
    const d = at + AT.decayed + h * DECAYED.count;
    numbers[d + DECAYED.lines] = numbers[d + DECAYED.lines]! * factor + lines;
    numbers[d + DECAYED.money] = numbers[d + DECAYED.money]! * factor + spend;
    numbers[d + DECAYED.visits] = numbers[d + DECAYED.visits]! * factor + visitCount;
    numbers[d + DECAYED.days] = numbers[d + DECAYED.days]! * factor + 1;
  }
  numbers[at + AT.lines]! += lines;
  numbers[at + AT.units]! += units;
  numbers[at + AT.money]! += money;
  numbers[at + AT.visits]! += visitCount;
  numbers[at + AT.activeDays]! += 1;
  numbers[at + AT.lastTime] = last;
  numbers[at + AT.lastDay] = day;
  state.pushDay(day, type, lines, visitCount, money);
}

/** The day's visits by (time, type, visit key): they were found by (type, visit key), and a stable sort keeps that. */
function appendVisits(kept: VisitList): void {
  if (visits.end === 1) {
    kept.append(visits, 0);
    kept.trim();
    return;
  }
  const order = Array.from({ length: visits.end }, (_, i) => i);
  order.sort((a, b) => visits.time[a]! - visits.time[b]!);
  for (let i = Math.max(0, order.length - kept.limit); i < order.length; i++) kept.append(visits, order[i]!);
  kept.trim();
}
