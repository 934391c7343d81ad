import type { Population } from '../../features/index.ts';

/** Whom a task asks, behind "everyone who": "has bought before". */
export function askedOf(population: Population, event: string): string {
  const done = event === 'purchase' ? 'has bought' : 'has had one';
  switch (population.who) {
    case 'buyers':
      return `${done} before`;
    case 'active':
      return `${done} in the last ${population.days} days`;
    case 'where':
      return (
        `has done anything ${population.days === undefined ? 'before' : `in the last ${population.days} days`} ` +
        `and meets the condition ${population.condition}`
      );
    case 'known':
      return `has done anything in the last ${population.days} days`;
    case 'prospects':
      return `has done anything in the last ${population.days} days, but ${event === 'purchase' ? 'has never bought' : 'has never had one'}`;
  }
}
