import { count, shareOf } from '../format.ts';
import type { Html } from '../html.ts';
import type { NextTaskReport } from '../task-types.ts';
import { table } from './table.ts';

const KINDS: Readonly<Record<string, string>> = {
  did: 'the user did something with it',
  'goes with': 'it goes with what the user had',
  new: 'it is new, and like what the user had',
  kind: 'its kind is popular',
  popular: 'it is popular',
};

/** Why entries stand in the lists of tasks, with an example of each kind. */
export function listReasonsTable(tasks: readonly NextTaskReport[]): Html {
  const rows = tasks.flatMap(({ name, reasons = [] }) => {
    const places = reasons.reduce((sum, row) => sum + row.places, 0);
    return reasons.map((row) => ({ ...row, name, all: places }));
  });
  return table('Why entries stand in the lists, with the first example of each kind.', rows, [
    { head: 'Task', cell: ({ name }) => name },
    { head: 'Because', cell: ({ reason }) => KINDS[reason] ?? reason },
    { head: 'Entries', number: true, cell: ({ places }) => count(places) },
    { head: 'Share', number: true, cell: ({ places, all }) => shareOf(places, all) },
    { head: 'For example', cell: ({ item, label, words }) => `${label ?? item}: ${words}` },
  ]);
}
