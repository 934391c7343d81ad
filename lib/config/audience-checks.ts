import type { CrossFault, Parts } from './faults.ts';

const CHANCES = ['event', 'absence'];

/** An audience is of a task that says who is likely to do something, and of a value where the task has several. */
export function audienceFaults({ exports, tasks }: Parts): CrossFault[] {
  return Object.entries(exports?.audiences ?? {}).flatMap(([name, { task, value }]): CrossFault[] => {
    const path = (setting: string) => ['exports', 'audiences', name, setting];
    const kind = tasks[task]?.kind;
    if (kind === 'next' && value === undefined) {
      const expected = `the item or value of the attribute that "${task}" lists, whose likely users are wanted`;
      return [{ path: path('value'), given: value, expected }];
    }
    if (kind !== undefined && CHANCES.includes(kind) && value !== undefined) {
      return [{ path: path('value'), given: value, expected: `no value: "${task}" asks one question` }];
    }
    if (kind === 'next' || (kind !== undefined && CHANCES.includes(kind))) return [];
    const names = Object.entries(tasks).flatMap(([one, { kind }]) =>
      kind === 'next' || CHANCES.includes(kind) ? [`"${one}"`] : [],
    );
    const expected = `a task of kind "next", "event" or "absence" (there are: ${names.join(', ') || 'none'})`;
    return [{ path: path('task'), given: task, expected }];
  });
}
