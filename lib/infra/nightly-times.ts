import { HOURS_AFTER_DEADLINE, type Nightly } from '../config/index.ts';

const EVERY_MINUTES = 5;
const DAY_MINUTES = 24 * 60;

/** Of the watchdog and the training: they belong to the day of their night, so neither may slip over midnight. */
const LAST_MINUTE = DAY_MINUTES - EVERY_MINUTES;

/** A schedule in the cron form of EventBridge Scheduler, in the shop's zone: minute, hour, day, month, weekday, year. */
export type Cron = string;

/** Every five minutes from the hour of `from` until two hours after the deadline, over midnight where need be. */
export function tickCron({ from, deadline }: Nightly): Cron {
  const first = hourOf(minutesOf(from));
  const last = hourOf(minutesOf(deadline) + HOURS_AFTER_DEADLINE * 60 - EVERY_MINUTES);
  const hours =
    last - first >= 23 ? '*' : last < 24 ? range(first, last) : `${range(first, 23)},${range(0, last - 24)}`;
  return `cron(0/${EVERY_MINUTES} ${hours} * * ? *)`;
}

export function watchdogCron(nightly: Nightly): Cron {
  return `cron(${endOf(nightly)} * * ? *)`;
}

/** Undefined where new models are never trained by the schedule. */
export function finetuneCron(nightly: Nightly): Cron | undefined {
  if (nightly.finetune === 'never') return undefined;
  return `cron(${endOf(nightly)} ? * ${nightly.finetune.slice(0, 3).toUpperCase()} *)`;
}

function endOf({ deadline }: Nightly): string {
  const end = Math.min(minutesOf(deadline) + HOURS_AFTER_DEADLINE * 60, LAST_MINUTE);
  return `${end % 60} ${hourOf(end)}`;
}

function minutesOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

const hourOf = (minutes: number): number => Math.floor(minutes / 60);

const range = (first: number, last: number): string => (first === last ? `${first}` : `${first}-${last}`);
