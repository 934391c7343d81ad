import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, it } from 'vitest';
import { CleaningStack } from '../../examples/cdk-app/stack.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { EMPTY_ZIP, SHOP } from './synthesis.ts';

describe("three of the constructs in an app of one's own", () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-constructs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const packages = { functions: join(folder, 'functions'), image: join(folder, 'image') };
  mkdirSync(packages.functions);
  for (const name of ['clean', 'features']) writeFileSync(join(packages.functions, `${name}.zip`), EMPTY_ZIP);
  mkdirSync(join(packages.image, 'cpu'), { recursive: true });
  writeFileSync(join(packages.image, 'cpu', 'Dockerfile'), 'FROM scratch\n');
  const config = parseConfig({ ...SHOP, shop: { name: 'shop', timeZone: 'Europe/London' } });
  const app = new App({ outdir: join(folder, 'out') });
  const template = Template.fromStack(new CleaningStack(app, 'cleaning', { config, packages }));

  it('stand in one stack, without imports of another', () => {
    expect(JSON.stringify(template.toJSON())).not.toContain('Fn::ImportValue');
    template.resourceCountIs('AWS::S3::Bucket', 4);
    template.resourceCountIs('AWS::Lambda::Function', 2);
    template.resourceCountIs('AWS::Batch::JobQueue', 1);
    template.resourceCountIs('AWS::Scheduler::Schedule', 0);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  });

  it('are wired: drops reach the function that cleans, and it may submit the job for large ones', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { BatchSize: 1 });
    const queues = Object.keys(template.findResources('AWS::Batch::JobQueue'));
    const policies = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policies).toContain('batch:SubmitJob');
    expect(policies).toContain(queues[0]);
  });
});
