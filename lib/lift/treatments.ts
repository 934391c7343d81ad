import type { Config } from '../config/index.ts';
import { ConfigError, DataError, readBatches } from '../data/index.ts';
import type { DropState } from '../run/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';

/** What a campaign did to one user. */
export interface Treatment {
  readonly arm: string;
  /** ms UTC. Of several treatments in one arm the first. */
  readonly at: number;
}

/** One campaign as the drops tell it. */
export interface Campaign {
  readonly name: string;
  /** By pseudonym, without those of several arms. */
  readonly treatments: ReadonlyMap<string, Treatment>;
  /** Pseudonyms of those who were treated in several arms. */
  readonly conflicts: ReadonlySet<string>;
}

/** Campaigns that an error names. */
const NAMED = 20;

/**
 * Reads who was treated by a campaign.
 * @param drops all drops of the shop
 * @throws ConfigError where no source has treatments, DataError for a campaign that no treatment names
 */
export async function readCampaign(
  store: ObjectStore,
  config: Config,
  drops: readonly DropState[],
  name: string,
): Promise<Campaign> {
  if (!Object.values(config.sources).some(({ table }) => table === 'treatments')) {
    throw new ConfigError(
      'the config has no source whose table is "treatments", so nobody knows who was treated: docs/campaigns.md has an example',
    );
  }
  const treatments = new Map<string, Treatment>();
  const conflicts = new Set<string>();
  const others = new Set<string>();
  for await (const { user, campaign, arm, at } of rowsOf(store, drops)) {
    if (campaign !== name) {
      others.add(campaign);
      continue;
    }
    const known = treatments.get(user);
    if (known && known.arm !== arm) conflicts.add(user);
    if (!known || at < known.at) treatments.set(user, { arm, at });
  }
  if (treatments.size === 0) {
    const names = [...others].sort();
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    const known =
      names.length > 0
        ? `the treatments name: ${names.slice(0, NAMED).join(', ')}${more}`
        : 'no treatment has been dropped and cleaned yet ("nightjar status" shows the drops)';
    throw new DataError(`there is no campaign "${name}"; ${known}`);
  }
  for (const user of conflicts) treatments.delete(user);
  return { name, treatments, conflicts };
}

interface Row extends Treatment {
  /** Pseudonym. */
  readonly user: string;
  readonly campaign: string;
}

/** The clean rows of all treatments, a batch in memory at a time. */
async function* rowsOf(store: ObjectStore, drops: readonly DropState[]): AsyncGenerator<Row> {
  for (const drop of drops) {
    if (drop.state !== 'done' || drop.quality.table !== 'treatments' || drop.clean === undefined) continue;
    const { batches } = await readBatches(await byteSource(store, drop.clean));
    for await (const batch of batches) {
      const [user, campaign, arm, time] = ['user', 'campaign', 'arm', 'time'].map((column) => {
        const vector = batch.getChild(column);
        if (vector) return vector;
        throw new DataError(`${drop.clean} has no column "${column}": rebuild it from its drop`);
      });
      for (let row = 0; row < batch.numRows; row++) {
        yield {
          user: String(user!.get(row)),
          campaign: String(campaign!.get(row)),
          arm: String(arm!.get(row)),
          at: Number(time!.get(row)),
        };
      }
    }
  }
}
