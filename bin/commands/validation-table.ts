import type { BinaryTaskReport, RunReport, TaskReport } from '../../lib/report/index.ts';
import { fixed, table } from './shared.ts';

type Interval = readonly [number, number] | null;

/** Figures of a task on held-out data, as `--json` prints them; null where nothing could be held out. */
export function validationJson(report: RunReport): Record<string, unknown> {
  return Object.fromEntries(
    tasksOf(report).map((task) => {
      if (!task.validation) return [task.name, null];
      const { by, days, assessment } = task.validation;
      const held = { heldOut: by, days };
      if ('wape' in assessment) return [task.name, { ...held, ...assessment }];
      if ('qini' in assessment) {
        const { curve: _, ...figures } = assessment;
        return [task.name, { ...held, ...figures }];
      }
      if ('recall' in assessment) {
        const { n, recall, ndcg, intervals } = assessment;
        return [
          task.name,
          { ...held, n, recall: figure(recall, intervals.recall), ndcg: figure(ndcg, intervals.ndcg) },
        ];
      }
      if ('topShare10' in assessment) {
        const { n, meanTruth, meanPrediction, mae, spearman, topShare10, coverage, intervals } = assessment;
        return [
          task.name,
          {
            ...held,
            n,
            mean: meanTruth,
            meanExpected: meanPrediction,
            mae: figure(mae, intervals.mae),
            spearman: figure(spearman, intervals.spearman),
            topShare10: figure(topShare10, intervals.topShare10),
            coverage80: coverage,
          },
        ];
      }
      if ('r2' in assessment || 'macroF1' in assessment) return [task.name, { ...held, ...assessment }];
      const { n, positives, auroc, lift10, logLoss, intervals } = assessment;
      return [
        task.name,
        {
          ...held,
          n,
          baseRate: n > 0 ? positives / n : null,
          auroc: figure(auroc, intervals.auroc),
          lift10: figure(lift10, intervals.lift10),
          logLoss: figure(logLoss, intervals.logLoss),
        },
      ];
    }),
  );
}

/** How far the lists of a run reach into the catalogue and which rules they obey, by task, as `--json` prints it. */
export const listsJson = (report: RunReport): Record<string, object> =>
  Object.fromEntries(
    tasksOf(report).flatMap((task) =>
      task.kind === 'next' ? [[task.name, { rules: task.rules ?? [], longTail: task.longTail ?? null }]] : [],
    ),
  );

const figure = (value: number | null, interval: Interval) => ({
  value,
  low: interval?.[0] ?? null,
  high: interval?.[1] ?? null,
});

const tasksOf = ({ models }: RunReport): TaskReport[] => models.flatMap((model) => model.tasks);

const isChance = (task: TaskReport): task is BinaryTaskReport =>
  task.kind === 'event' || task.kind === 'absence' || task.kind === 'label';

/** The same for a person, with what it was measured on. */
export function validationText(report: RunReport): string {
  const tasks = tasksOf(report);
  const ranked = tasks.filter((task) => isChance(task) && task.validation);
  const amounts = tasks.filter((task) => task.kind === 'value' && task.validation);
  const forecast = tasks.filter((task) => task.kind === 'demand' && task.validation);
  const effects = tasks.filter((task) => task.kind === 'uplift' && task.validation);
  const listed = tasks.filter((task) => task.kind === 'next' && task.validation);
  const parts: string[] = [];
  if (ranked.length > 0) {
    parts.push(
      table(
        ['task', 'held out', 'n', 'base rate', 'AUROC', 'lift, first 10 %', 'log loss'],
        ranked.flatMap((task) => {
          if (!isChance(task) || !task.validation) return [];
          const { n, positives, auroc, lift10, logLoss, intervals } = task.validation.assessment;
          return [
            [
              task.name,
              heldOut(task),
              n,
              fixed(n > 0 ? positives / n : null),
              withInterval(auroc, intervals.auroc, 3),
              withInterval(lift10, intervals.lift10, 2),
              withInterval(logLoss, intervals.logLoss, 3),
            ],
          ];
        }),
      ),
    );
  }
  if (listed.length > 0) {
    parts.push(
      table(
        ['task', 'held out', 'n', 'recall', 'NDCG', 'recall of the most popular'],
        listed.flatMap((task) => {
          if (task.kind !== 'next' || !task.validation) return [];
          const { n, recall, ndcg, intervals } = task.validation.assessment;
          return [
            [
              `${task.name}, ${task.k} each`,
              heldOut(task),
              n,
              withInterval(recall, intervals.recall, 3),
              withInterval(ndcg, intervals.ndcg, 3),
              fixed(task.validation.popular.recall),
            ],
          ];
        }),
      ),
    );
  }
  if (amounts.length > 0) {
    parts.push(
      table(
        ['task', 'held out', 'n', 'mean', 'expected', 'Spearman', 'first 10 % hold', 'MAE', 'within 80 %'],
        amounts.flatMap((task) => {
          if (task.kind !== 'value' || !task.validation) return [];
          const { n, meanTruth, meanPrediction, spearman, topShare10, mae, coverage, intervals } =
            task.validation.assessment;
          return [
            [
              task.name,
              heldOut(task),
              n,
              fixed(meanTruth),
              fixed(meanPrediction),
              withInterval(spearman, intervals.spearman, 3),
              withInterval(topShare10, intervals.topShare10, 3),
              withInterval(mae, intervals.mae, 1),
              fixed(coverage),
            ],
          ];
        }),
      ),
    );
  }
  if (forecast.length > 0) {
    parts.push(
      table(
        [
          'task',
          'held out',
          'n',
          'MAE',
          'WAPE',
          '80 % intervals hold',
          'WAPE of four weeks',
          'of the last week',
        ],
        forecast.flatMap((task) => {
          if (task.kind !== 'demand' || !task.validation) return [];
          const { n, mae, wape, coverage, average, naive } = task.validation.assessment;
          const figures = [
            fixed(mae, 1),
            ...[wape, coverage, average.wape, naive.wape].map((one) => fixed(one)),
          ];
          return [[task.name, heldOut(task), n, ...figures]];
        }),
      ),
    );
  }
  if (effects.length > 0) {
    parts.push(
      table(
        ['task', 'held out', 'n', 'effect', 'Qini', 'AUUC'],
        effects.flatMap((task) => {
          if (task.kind !== 'uplift' || !task.validation) return [];
          const { n, effect, qini, auuc, intervals } = task.validation.assessment;
          return [
            [
              task.name,
              heldOut(task),
              n,
              withInterval(effect, intervals.effect, 4),
              withInterval(qini, intervals.qini, 4),
              withInterval(auuc, intervals.auuc, 4),
            ],
          ];
        }),
      ),
    );
  }
  const labelled = labelledLines(tasks);
  parts.push(...labelled);
  for (const { name, validation } of tasks) {
    if (!validation)
      parts.push(`${name}: not measured, too little history or too few outcomes to hold some out`);
  }
  if (
    ranked.length + listed.length + amounts.length + forecast.length + effects.length + labelled.length >
    0
  ) {
    parts.push(
      'Validation: data held out of the fit, by which the model was chosen; no test. 95 % intervals in brackets.',
    );
  }
  return parts.join('\n');
}

/** A line for each task over a labelled table that tells more than yes or no. */
function labelledLines(tasks: readonly TaskReport[]): string[] {
  return tasks.flatMap((task) => {
    if (task.kind === 'one-of' && task.validation) {
      const { n, accuracy, macroF1, logLoss, intervals } = task.validation.assessment;
      const [right, macro] = [
        withInterval(accuracy, intervals.accuracy, 3),
        withInterval(macroF1, intervals.macroF1, 3),
      ];
      return [`${task.name}: accuracy ${right}, macro F1 ${macro}, log loss ${fixed(logLoss)} of ${n} rows`];
    }
    if (task.kind === 'any-of' && task.validation) {
      const { n, microF1, macroF1, intervals } = task.validation.assessment;
      const [micro, macro] = [
        withInterval(microF1, intervals.microF1, 3),
        withInterval(macroF1, intervals.macroF1, 3),
      ];
      return [`${task.name}: micro F1 ${micro}, macro F1 ${macro} of ${n} rows`];
    }
    if (task.kind === 'number' && task.validation) {
      const { n, mae, r2, coverage, intervals } = task.validation.assessment;
      const [off, explained] = [withInterval(mae, intervals.mae, 3), withInterval(r2, intervals.r2, 3)];
      return [`${task.name}: MAE ${off}, R² ${explained}, within 80 % ${fixed(coverage)} of ${n} rows`];
    }
    return [];
  });
}

function heldOut({ validation }: TaskReport): string {
  if (!validation) return '–';
  const { by, days } = validation;
  if (by === 'rows') return 'a part of the rows';
  if (by === 'users') return days ? `a fifth of the users, ${days[0]} to ${days[1]}` : 'a fifth of the users';
  return days![0] === days![1] ? `the day ${days![0]}` : `days from ${days![0]} to ${days![1]}`;
}

function withInterval(value: number | null, interval: Interval, digits: number): string {
  if (interval === null) return fixed(value, digits);
  return `${fixed(value, digits)} (${fixed(interval[0], digits)} to ${fixed(interval[1], digits)})`;
}
