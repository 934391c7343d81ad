import { shareInterval } from '../engine/uplift/index.ts';
import type { ExportManifest } from '../export/index.ts';
import { type BinaryOutcomes, describedAudiences } from '../models/index.ts';
import type { AudienceMeasured, AudienceReport } from '../report/index.ts';
import { horizonOf } from './outcomes.ts';
import type { ReportArgs } from './report-args.ts';

type Counted = AudienceMeasured['picked'];

/** The audiences of a run: who is in them, what the model's held-out day lets expect, and what happened where that is known. */
export async function audienceReports(
  { store, manifest, versions, outcomes }: ReportArgs,
  exported: ExportManifest | undefined,
): Promise<AudienceReport[]> {
  const { config, asOf } = manifest;
  if (!config.exports.audiences || asOf === null) return [];
  const described = await describedAudiences(store, manifest, versions);
  return Object.entries(config.exports.audiences)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { task, value, top, above }]): AudienceReport => {
      const learnt = described.get(name);
      const own = outcomes[task];
      const came = own?.kind === 'list' ? own.audiences[name] : own?.kind === 'binary' ? own : undefined;
      const summary = exported?.audiences?.find((audience) => audience.name === name);
      const validation = learnt?.value === value ? learnt?.validation : undefined;
      const rule = top === undefined ? { above: above! } : { top };
      const why = summary ? summary.why : learnt?.why;
      return {
        ...{ name, task, rule, horizonDays: horizonOf(manifest, task) },
        ...(value === undefined ? {} : { value }),
        ...(summary
          ? {
              reach: {
                ...{ users: summary.users, controlUsers: summary.controlUsers },
                ...(summary.lowest === undefined ? {} : { lowest: summary.lowest }),
                ...(summary.expected === undefined ? {} : { expected: summary.expected }),
              },
            }
          : {}),
        ...(validation && JSON.stringify(validation.rule) === JSON.stringify(rule)
          ? { validation: measured(validation.day, validation, validation.by === 'users') }
          : {}),
        ...(came && came.ids.length > 0 ? { really: measured(asOf, happened(came, rule)) } : {}),
        ...(why === undefined ? {} : { why }),
      };
    });
}

function measured(
  day: string,
  { picked, all }: { readonly picked: Counted; readonly all: Counted },
  ofUsers = false,
): AudienceMeasured {
  return {
    ...{ day, picked, all },
    ...(ofUsers ? { ofUsers } : {}),
    ...(picked.users > 0 ? shareInterval(picked) : {}),
  };
}

/** Picks as the export does, and counts what those picked did. */
function happened(
  { ids, labels, probabilities }: BinaryOutcomes,
  rule: AudienceReport['rule'],
): { picked: Counted; all: Counted } {
  const places = ids.map((_, i) => i);
  places.sort((a, b) => probabilities[b]! - probabilities[a]! || (ids[a]! < ids[b]! ? -1 : 1));
  const picked =
    'top' in rule ? places.slice(0, rule.top) : places.filter((i) => probabilities[i]! > rule.above);
  const count = (of: readonly number[]): Counted => ({
    users: of.length,
    done: of.reduce((sum, i) => sum + labels[i]!, 0),
  });
  return { picked: count(picked), all: count(places) };
}
