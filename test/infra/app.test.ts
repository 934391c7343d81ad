import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { STACKS, synthesise } from './synthesis.ts';

const { app, stacks, templates } = synthesise();

describe('the stacks', () => {
  it('are five, named by their environment', () => {
    expect(STACKS.map((name) => stacks[name].stackName)).toEqual(
      STACKS.map((name) => `nightjar-prod-${name}`),
    );
  });

  it.each(STACKS)('%s is as it was', async (name) => {
    const text = JSON.stringify(templates[name], null, 2).replaceAll(/[0-9a-f]{64}/g, '<hash of the asset>');
    await expect(`${text}\n`).toMatchFileSnapshot(`snapshots/${name}.json`);
  });

  it('depend on no account and no region, so that nothing has to be looked up', () => {
    for (const name of STACKS) expect(stacks[name].environment).toBe('aws://unknown-account/unknown-region');
  });

  it('bear their project and environment on everything that takes tags', () => {
    // given
    const taggable = [
      'AWS::S3::Bucket',
      'AWS::KMS::Key',
      'AWS::SQS::Queue',
      'AWS::SecretsManager::Secret',
      'AWS::Lambda::Function',
      'AWS::Logs::LogGroup',
      'AWS::IAM::Role',
      'AWS::EC2::VPC',
      'AWS::Batch::JobQueue',
      'AWS::Batch::JobDefinition',
      'AWS::Batch::ComputeEnvironment',
      'AWS::SNS::Topic',
    ];
    const seen = new Set<string>();
    for (const name of STACKS) {
      for (const [id, { Type, Properties }] of Object.entries(templates[name].Resources)) {
        if (!taggable.includes(Type)) continue;
        seen.add(Type);
        // then
        const tags = asTags(Properties.Tags);
        expect({ id, project: tags.project, environment: tags.environment }).toEqual({
          id,
          project: 'nightjar',
          environment: 'prod',
        });
      }
    }
    expect([...seen].sort()).toEqual([...taggable].sort());
  });

  it('name nothing that may be replaced', () => {
    const names = [
      'BucketName',
      'QueueName',
      'FunctionName',
      'RoleName',
      'LogGroupName',
      'TopicName',
      'ComputeEnvironmentName',
      'JobQueueName',
      'LaunchTemplateName',
      'SecurityGroupName',
      'GroupName',
    ];
    // A mapping names the function that it feeds.
    const references = [
      'AWS::Lambda::EventSourceMapping',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Permission',
    ];
    for (const name of STACKS) {
      for (const [id, { Type, Properties = {} }] of Object.entries(templates[name].Resources)) {
        if (references.includes(Type)) continue;
        const given = names.filter((property) => typeof Properties[property] === 'string');
        expect({ id, given }).toEqual({ id, given: [] });
      }
    }
  });
});

function asTags(tags: unknown): Record<string, unknown> {
  if (!Array.isArray(tags)) return { ...(tags as object) };
  return Object.fromEntries(tags.map(({ Key, Value }: { Key: string; Value: unknown }) => [Key, Value]));
}

describe('cdk-nag', () => {
  it.each([
    ['by default', {}],
    ['with hosts for GPUs', { deploy: { compute: 'gpu', network: 'public-egress' } }],
    ['in dev', { environment: 'dev' }],
    ['with traces', { deploy: { tracing: true } }],
  ])('finds nothing that is not acknowledged: %s', (_, setting) => {
    const { app: made } = synthesise(setting);
    const { violations } = new AwsSolutionsChecks(made).validateScope(made);
    expect(violations).toEqual([]);
  });

  it('would find something', () => {
    // given
    const careless = new App();
    new Bucket(new Stack(careless, 'careless'), 'bucket');
    // then
    const { violations } = new AwsSolutionsChecks(careless).validateScope(careless);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual(
      expect.arrayContaining(['AwsSolutions-S1', 'AwsSolutions-S10']),
    );
  });

  it('is answered by a sentence each time, at the construct in question', () => {
    // given
    const answers = app.node
      .findAll()
      .flatMap(({ node }) =>
        node.metadata
          .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
          .flatMap(({ data }) =>
            Object.entries(data ?? {}).map(([id, reason]) => ({ path: node.path, id, reason })),
          ),
      )
      .filter(({ id }) => id.includes('AwsSolutions'));
    // then
    expect(answers.length).toBeGreaterThan(5);
    for (const { path, id, reason } of answers) {
      expect(String(reason), `${path} ${id}`).toMatch(/^[A-Z].{30,}[.]$/);
      expect(path.split('/').length, `${path} ${id}`).toBeGreaterThan(1);
    }
  });
});

const hasLint = spawnSync('cfn-lint', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasLint) console.warn("left out: cfn-lint over the templates (pip install 'cfn-lint' for it)");

/** What cfn-lint may say, and why it is let pass. */
const LET_PASS = {
  // The CDK makes a function wait for its role in words, too, where a reference says it already.
  W3005: 'dependency already enforced',
};

describe.skipIf(!hasLint)('cfn-lint', () => {
  it('has nothing to say', { timeout: 240_000 }, () => {
    // given
    const folder = mkdtempSync(join(tmpdir(), 'nightjar-lint-'));
    try {
      const gpu = synthesise({ deploy: { compute: 'gpu', network: 'public-egress' } }).templates.batch;
      const written = [...STACKS.map((name) => [name, templates[name]] as const), ['gpu', gpu] as const];
      const files = written.map(([name, template]) => {
        const file = join(folder, `${name}.json`);
        writeFileSync(file, JSON.stringify(template, null, 1));
        return file;
      });
      // when
      const { stdout, stderr } = spawnSync(
        'cfn-lint',
        [
          '--regions',
          'eu-central-1',
          'us-east-1',
          'ap-southeast-2',
          '--ignore-checks',
          ...Object.keys(LET_PASS),
          '--',
          ...files,
        ],
        { encoding: 'utf8' },
      );
      // then
      expect(stdout + stderr).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
