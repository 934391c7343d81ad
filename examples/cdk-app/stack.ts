/**
 * Three of the five constructs in a stack of one's own: a shop that only wants its drops cleaned and turned into features,
 * and trains elsewhere. The jobs are needed because a large drop is cleaned by one.
 */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Config, deployOf } from 'nightjar-shop';
import { NightjarBatch, NightjarIngest, NightjarStorage, type Packages } from 'nightjar-shop/infra';

export interface CleaningProps extends StackProps {
  readonly config: Config;
  /** What `buildPackages` of `nightjar-shop/infra` made. */
  readonly packages: Packages;
}

export class CleaningStack extends Stack {
  constructor(scope: Construct, id: string, { config, packages, ...props }: CleaningProps) {
    super(scope, id, props);
    const environment = 'cleaning';
    const setting = { config, deploy: deployOf(config, environment), environment, packages };
    const storage = new NightjarStorage(this, 'Storage', { setting });
    const batch = new NightjarBatch(this, 'Batch', { setting, storage: storage.parts });
    const ingest = new NightjarIngest(this, 'Ingest', {
      setting,
      storage: storage.parts,
      batch: batch.parts,
    });
    // The parts are resources of the CDK, to build on: here who may read the clean rows, say.
    new CfnOutput(this, 'CleanRows', { value: storage.parts.data.arnForObjects('clean/*') });
    new CfnOutput(this, 'CleanFunction', { value: ingest.parts.clean.functionName });
  }
}
