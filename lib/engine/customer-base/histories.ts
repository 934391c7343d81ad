import { CustomerBaseError } from './errors.ts';

export type Numbers = ArrayLike<number>;

/** What is known of customers, one of each a customer; times in one unit, whichever it is. */
export interface CustomerHistories {
  /** Repeat transactions x: whole numbers, without the first transaction. */
  readonly frequency: Numbers;
  /** Time t_x from the first transaction to the last; 0 where there was one only. */
  readonly recency: Numbers;
  /** Time T from the first transaction to the end of observation, from t_x. */
  readonly age: Numbers;
  /** Customers that a history stands for, from 0; all 1 if left out. */
  readonly weights?: Numbers | undefined;
}

/** @throws CustomerBaseError unless this may be a customer's history */
export function checkHistory(x: number, tx: number, T: number, who: () => string): void {
  if (!Number.isInteger(x) || x < 0) {
    throw new CustomerBaseError(`${who()} has frequency ${x}; a whole number from 0 is expected`);
  }
  if (!(tx >= 0 && tx <= T && T < Number.POSITIVE_INFINITY)) {
    throw new CustomerBaseError(
      `${who()} has recency ${tx} and age ${T}; finite times are expected, and 0 <= recency <= age`,
    );
  }
  if (x === 0 && tx !== 0) {
    throw new CustomerBaseError(
      `${who()} has recency ${tx} and no repeat transaction; 0 is expected, as it counts from the first transaction`,
    );
  }
}

/** @throws CustomerBaseError unless this may be how many customers a history stands for */
export function checkWeight(weight: number, customer: number): void {
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return;
  throw new CustomerBaseError(
    `customer ${customer} has weight ${weight}; a finite number that is not negative is expected`,
  );
}

/**
 * @param none whether nobody needs to have come back
 * @throws CustomerBaseError when lengths differ, a history or weight is none, or nobody came back
 */
export function checkHistories({ frequency, recency, age, weights }: CustomerHistories, none = false): void {
  const lengths = [frequency.length, recency.length, age.length, weights?.length ?? age.length];
  if (lengths[0] === 0 || lengths.some((length) => length !== lengths[0])) {
    throw new CustomerBaseError(
      'frequency, recency, age and weights of the same customers are expected, of one at least; ' +
        `given are ${lengths.join(', ')}`,
    );
  }
  let [repeats, time] = [0, 0];
  for (let i = 0; i < age.length; i++) {
    checkHistory(frequency[i]!, recency[i]!, age[i]!, () => `customer ${i}`);
    const weight = weights ? weights[i]! : 1;
    checkWeight(weight, i);
    repeats += weight * frequency[i]!;
    time += weight * age[i]!;
  }
  if (!none && (repeats === 0 || time === 0)) {
    throw new CustomerBaseError(
      `all customers together have ${repeats} repeat transactions in ${time} of time; ` +
        'without one there is no rate to estimate',
    );
  }
}
