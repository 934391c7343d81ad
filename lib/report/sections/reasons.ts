import { bars, figure } from '../charts/index.ts';
import { count, percent, significant } from '../format.ts';
import type { Html } from '../html.ts';
import type { BinaryTaskReport } from '../task-types.ts';

/** Of a task with scores: what moves them. */
type Moved = Pick<BinaryTaskReport, 'groups' | 'features'>;

const MOST_FEATURES = 8;

export function groupFigure({ groups }: Moved): Html {
  const rows = [...groups].sort((a, b) => b.share - a.share).slice(0, MOST_FEATURES);
  const first = rows[0];
  return figure(
    {
      title: 'Reasons by group',
      ...(first !== undefined && { lead: `Most of all: ${first.group}` }),
      read: 'Bars: the share of each group of features in all that moves scores (size of gradient times input, summed). The same groups stand as reasons beside each score in the export.',
      worry: 'a group leads that should not matter: it may give the answer away.',
    },
    bars(
      'Share of the reasons by group of features',
      rows.map((row) => ({ name: row.group, value: row.share, shown: percent(row.share) })),
      'No reasons were computed for this run.',
    ),
  );
}

/** @param unit of the strengths */
export function featureFigure({ features }: Moved, unit = 'in log-odds'): Html {
  const rows = [...features].sort((a, b) => b.strength - a.strength).slice(0, MOST_FEATURES);
  const cut = features.length > rows.length ? `, the first ${rows.length} of ${count(features.length)}` : '';
  return figure(
    {
      title: 'What moves the scores',
      ...(rows[0] !== undefined && { lead: `Most of all: ${rows[0].name}` }),
      read: `Bars: how far each feature moves a score on average, up or down, ${unit} (mean size of gradient times input)${cut}.`,
      worry: 'a feature leads that can only be known afterwards.',
    },
    bars(
      'Strongest features',
      rows.map((row) => ({ name: row.name, value: row.strength, shown: significant(row.strength) })),
      'No feature strengths were computed for this run.',
    ),
  );
}
