import { type App, Tags } from 'aws-cdk-lib';
import { type Config, deployOf } from '../config/index.ts';
import { type Packages, type Setting, stackId } from './shared.ts';
import { BatchStack, IngestStack, NightlyStack, StorageStack, WatchStack } from './stacks.ts';

export interface Stacks {
  readonly storage: StorageStack;
  readonly batch: BatchStack;
  readonly ingest: IngestStack;
  readonly nightly: NightlyStack;
  readonly watch: WatchStack;
}

/**
 * The five stacks of an environment, each with what the ones before it lend.
 * @param environment names the stacks, and which of `config.environments` holds
 */
export function buildApp(
  app: App,
  { config, environment, packages }: { config: Config; environment: string; packages: Packages },
): Stacks {
  const setting: Setting = { config, deploy: deployOf(config, environment), environment, packages };
  Tags.of(app).add('project', 'nightjar');
  Tags.of(app).add('environment', environment);
  const id = (stack: Parameters<typeof stackId>[1]) => stackId(environment, stack);
  const storage = new StorageStack(app, id('storage'), { setting });
  const batch = new BatchStack(app, id('batch'), { setting, storage: storage.parts });
  const ingest = new IngestStack(app, id('ingest'), { setting, storage: storage.parts, batch: batch.parts });
  const nightly = new NightlyStack(app, id('nightly'), {
    setting,
    storage: storage.parts,
    batch: batch.parts,
  });
  const watch = new WatchStack(app, id('watch'), {
    setting,
    storage: storage.parts,
    batch: batch.parts,
    ingest: ingest.parts,
    nightly: nightly.parts,
  });
  return { storage, batch, ingest, nightly, watch };
}
