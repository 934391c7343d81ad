import type { UpliftTask } from '../../config/index.ts';
import { DataError, readBatches } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';
import { byteSource, type ObjectStore } from '../../runtime/index.ts';

/** What a campaign did to one user. */
export interface Treatment {
  readonly campaign: string;
  /** 1 treated, 0 control. */
  readonly treated: 0 | 1;
  /** ms UTC. Of several treatments in one arm the first. */
  readonly at: number;
}

/** Who was treated by the campaigns of a task. */
export interface Treatments {
  /** By pseudonym, ascending in time. */
  readonly byUser: ReadonlyMap<string, readonly Treatment[]>;
  /** Share of the treated in each campaign, of those that the task compares. */
  readonly shares: ReadonlyMap<string, number>;
  readonly leftOut: readonly { readonly rows: number; readonly why: string }[];
}

/** Names that an error tells. */
const NAMED = 8;

/**
 * Reads the treatments of a task's campaigns that began before an instant.
 * @param before ms UTC
 * @throws DataError when no treatment names a campaign of the task, or its arms are not those of the task
 */
export async function readTreatments(
  store: ObjectStore,
  { inputs }: RunManifest,
  { campaigns = [], treated, control }: UpliftTask,
  before: number,
): Promise<Treatments> {
  const first = new Map<string, Treatment>();
  const conflicts = new Set<string>();
  const otherArms = new Map<string, number>();
  const otherCampaigns = new Set<string>();
  for (const { clean } of inputs.treatments ?? []) {
    const { batches } = await readBatches(await byteSource(store, clean));
    for await (const batch of batches) {
      const column = (name: string) => batch.getChild(name)!;
      const [users, names, arms, times] = ['user', 'campaign', 'arm', 'time'].map(column);
      for (let row = 0; row < batch.numRows; row++) {
        const at = Number(times!.get(row));
        const campaign = String(names!.get(row));
        if (!(at < before)) continue;
        if (!campaigns.includes(campaign)) {
          otherCampaigns.add(campaign);
          continue;
        }
        const arm = String(arms!.get(row));
        const side = treated.includes(arm) ? 1 : control.includes(arm) ? 0 : undefined;
        if (side === undefined) {
          otherArms.set(arm, (otherArms.get(arm) ?? 0) + 1);
          continue;
        }
        const key = JSON.stringify([String(users!.get(row)), campaign]);
        const known = first.get(key);
        if (known && known.treated !== side) conflicts.add(key);
        if (!known || at < known.at) first.set(key, { campaign, treated: side, at });
      }
    }
  }
  for (const key of conflicts) first.delete(key);
  if (first.size === 0) throw new DataError(whyNone(campaigns, otherArms, otherCampaigns));
  const byUser = new Map<string, Treatment[]>();
  const counts = new Map<string, [number, number]>();
  for (const [key, treatment] of first) {
    const [user] = JSON.parse(key) as [string, string];
    byUser.set(user, [...(byUser.get(user) ?? []), treatment]);
    let own = counts.get(treatment.campaign);
    if (!own) counts.set(treatment.campaign, (own = [0, 0]));
    own[treatment.treated]++;
  }
  for (const own of byUser.values()) {
    own.sort((a, b) => a.at - b.at || (a.campaign < b.campaign ? -1 : 1));
  }
  return {
    byUser,
    shares: new Map([...counts].map(([campaign, [none, some]]) => [campaign, some / (none + some)])),
    leftOut: [
      ...[...otherArms]
        .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
        .map(([arm, rows]) => ({ rows, why: `of arm "${arm}", which the task does not name` })),
      ...(conflicts.size > 0 ? [{ rows: conflicts.size, why: 'of both arms of one campaign' }] : []),
    ],
  };
}

function whyNone(
  campaigns: readonly string[],
  arms: ReadonlyMap<string, number>,
  others: ReadonlySet<string>,
): string {
  const listed = (names: Iterable<string>) =>
    [...names]
      .sort()
      .slice(0, NAMED)
      .map((one) => `"${one}"`)
      .join(', ');
  if (arms.size > 0)
    return `the campaigns have the arms ${listed(arms.keys())}, and none is named by treated or control`;
  return (
    `no treatment before the as-of day is of ${listed(campaigns)}` +
    (others.size > 0 ? `; the treatments name ${listed(others)}` : ', or of any other campaign')
  );
}
