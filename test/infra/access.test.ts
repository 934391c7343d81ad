import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACCESS, bucketOf, type PREFIXES, type Role } from '../../lib/infra/index.ts';
import { resourceStatements, roleStatements, type Statement, text } from './policies.ts';
import { synthesise } from './synthesis.ts';

const { stacks, templates } = synthesise();
const { parts } = stacks.storage;
const names = Object.keys(ACCESS) as Role[];
const statementsOf = roleStatements(templates);

const inStorage = (token: string) => text(templates, 'storage', stacks.storage.resolve(token));
const ARN = {
  drops: inStorage(parts.drops.bucketArn),
  data: inStorage(parts.data.bucketArn),
  exports: inStorage(parts.exports.bucketArn),
  dataKey: inStorage(parts.dataKey.keyArn),
  pseudonymKey: inStorage(parts.pseudonymKey.keyArn),
  secret: inStorage(parts.pseudonymSecret.secretArn),
  clean: inStorage(parts.cleanQueue.queueArn),
  features: inStorage(parts.featuresQueue.queueArn),
};
const inBatch = (token: string) => text(templates, 'batch', stacks.batch.resolve(token));

/** Beginnings of the roles' logical ids. */
const ROLE_IDS: Readonly<Record<Role, string>> = {
  clean: 'ingest.CleanRole',
  features: 'ingest.FeaturesRole',
  dispatch: 'nightly.DispatchRole',
  finetune: 'batch.finetuneRole',
  score: 'batch.scoreRole',
  export: 'batch.exportRole',
  cleanJob: 'batch.cleanRole',
  quarantineReader: 'storage.QuarantineRole',
};

/** The only rights that may stand on `*`, for what they are and why no resource can be named. */
const EVERYWHERE: readonly { actions: string; who: string; why: string }[] = [
  {
    actions: 'batch:DescribeJobs, batch:ListJobs',
    who: 'clean, dispatch',
    why: 'Batch knows no resource for them; they read',
  },
  {
    actions: 'ecr:GetAuthorizationToken',
    who: 'what starts containers',
    why: 'ECR knows no resource for it; what may be pulled is limited to one repository',
  },
  {
    actions: 'ecs:DiscoverPollEndpoint',
    who: 'GPU hosts',
    why: 'ECS knows no resource for it; it tells where the agent of a host is to call',
  },
  {
    actions: 'xray:PutTraceSegments',
    who: 'functions and jobs, with `deploy.tracing`',
    why: 'X-Ray knows no resource for it; it reads nothing',
  },
];

function roleIdOf(name: Role): string {
  const found = [...statementsOf.keys()].filter((id) => id.startsWith(ROLE_IDS[name]));
  expect(found, name).toHaveLength(1);
  return found[0]!;
}

/** `action on resource` of each allowed pair. */
function pairs(statements: readonly Statement[]): string[] {
  const all = statements.flatMap(({ effect, actions, resources }) =>
    effect === 'Allow' ? actions.flatMap((action) => resources.map((r) => `${action} on ${r}`)) : [],
  );
  return [...new Set(all)].sort();
}

/** The same, as the table has it. */
function wanted(name: Role): string[] {
  const { read, write, list, pseudonyms, consumes, sends = [], submits } = ACCESS[name];
  const objects = (prefix: (typeof PREFIXES)[number]) => `${ARN[bucketOf(prefix)]}/${prefix}*`;
  const listed = new Set([...read, ...list].map((prefix) => ARN[bucketOf(prefix)]));
  return [
    ...read.map((prefix) => `s3:GetObject on ${objects(prefix)}`),
    ...write.flatMap((prefix) =>
      ['s3:PutObject', 's3:AbortMultipartUpload'].map((action) => `${action} on ${objects(prefix)}`),
    ),
    ...[...listed].map((bucket) => `s3:ListBucket on ${bucket}`),
    `kms:Decrypt on ${ARN.dataKey}`,
    ...(write.length > 0 ? [`kms:GenerateDataKey on ${ARN.dataKey}`] : []),
    ...(pseudonyms
      ? [`secretsmanager:GetSecretValue on ${ARN.secret}`, `kms:Decrypt on ${ARN.pseudonymKey}`]
      : []),
    ...(consumes
      ? ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'].map(
          (action) => `sqs:${action} on ${ARN[consumes]}`,
        )
      : []),
    ...sends.map((queue) => `sqs:SendMessage on ${ARN[queue]}`),
    ...submits.flatMap((job) => [
      `batch:SubmitJob on ${inBatch(stacks.batch.parts.queues[job](stacks.batch))}`,
      `batch:SubmitJob on ${inBatch(stacks.batch.parts.definitions[job])}`,
      `batch:SubmitJob on ${inBatch(stacks.batch.parts.definitions[job])}:*`,
      'batch:ListJobs on *',
      'batch:DescribeJobs on *',
    ]),
  ]
    .filter((pair, i, all) => all.indexOf(pair) === i)
    .sort();
}

/** Beside the table: a function's own log, and where calls of dispatch end that failed for good. */
const BESIDE =
  /^(logs:(CreateLogStream|PutLogEvents) on \w+\.\w*Logs\w*\.Arn|sqs:(SendMessage|GetQueueAttributes|GetQueueUrl) on nightly\.Undelivered\w+\.Arn)$/;

describe('the table', () => {
  it.each(names)('%s may do what it says, and nothing else', (name) => {
    // when
    const given = pairs(statementsOf.get(roleIdOf(name))!);
    // then
    expect(given.filter((pair) => !BESIDE.test(pair))).toEqual(wanted(name));
  });

  it('limits what may be listed to the same prefixes', () => {
    for (const name of names) {
      const { read, list } = ACCESS[name];
      for (const { actions, resources, raw } of statementsOf.get(roleIdOf(name))!) {
        if (!actions.includes('s3:ListBucket')) continue;
        const prefixes = [...new Set([...read, ...list])].filter((p) => resources.includes(ARN[bucketOf(p)]));
        expect(raw.Condition).toEqual({
          StringLikeIfExists: { 's3:prefix': expect.arrayContaining(prefixes.map((p) => `${p}*`)) },
        });
      }
    }
  });

  it('lets a key be used through a service only', () => {
    for (const name of names) {
      for (const { actions, condition } of statementsOf.get(roleIdOf(name))!) {
        if (actions.some((action) => action.startsWith('kms:')))
          expect(condition).toContain('kms:ViaService');
      }
    }
  });

  it('stands in docs/security.md', () => {
    const cell = (values: readonly string[]) => values.map((value) => `\`${value}\``).join(' ');
    const rows = names.map((name) => {
      const { read, write, list, pseudonyms, consumes, sends = [], submits } = ACCESS[name];
      const cells = [
        cell([name]),
        cell(read),
        cell(write),
        cell(list),
        pseudonyms ? 'yes' : '',
        consumes ? cell([consumes]) : '',
        cell(sends),
        cell(submits),
      ];
      return `|${cells.map((text) => (text === '' ? ' ' : ` ${text} `)).join('|')}|`;
    });
    const why = EVERYWHERE.map(
      ({ actions, who, why }) => `| ${cell(actions.split(', '))} | ${who} | ${why} |`,
    );
    const page = readFileSync('docs/security.md', 'utf8');
    expect(page).toContain(`|---|---|---|---|---|---|---|---|\n${rows.join('\n')}\n\n`);
    expect(page).toContain(`|---|---|---|\n${why.join('\n')}\n`);
  });
});

describe('traces', () => {
  const told = (of: typeof templates) => {
    const given = names.filter((name) =>
      pairs(roleStatements(of).get(roleIdOf(name))!).includes('xray:PutTraceSegments on *'),
    );
    const named = Object.values(of).flatMap(({ Resources }) =>
      Object.entries(Resources)
        .filter(([, { Properties }]) => JSON.stringify(Properties ?? {}).includes('NIGHTJAR_TRACES'))
        .map(([, { Type }]) => Type),
    );
    return { given, named: named.sort() };
  };

  it('are sent by functions and jobs where the config asks for them, and by nobody else', () => {
    const traced = synthesise({ deploy: { tracing: true } }).templates;
    expect(told(traced)).toEqual({
      given: names.filter((name) => name !== 'quarantineReader'),
      named: [
        ...Array.from({ length: 4 }, () => 'AWS::Batch::JobDefinition'),
        ...Array.from({ length: 3 }, () => 'AWS::Lambda::Function'),
      ],
    });
  });

  it('are nothing by default', () => {
    expect(told(templates)).toEqual({ given: [], named: [] });
    expect(JSON.stringify(templates)).not.toMatch(/xray/i);
  });
});

describe('every role of every stack', () => {
  const all = [...statementsOf].flatMap(([role, statements]) =>
    statements.map((statement) => ({ role, ...statement })),
  );

  it('is named action by action, resource by resource', () => {
    expect(all.length).toBeGreaterThan(20);
    for (const { role, effect, actions, raw } of all) {
      expect([role, Object.keys(raw)]).not.toContain('NotAction');
      expect(Object.keys(raw)).not.toContain('NotResource');
      if (effect !== 'Allow') continue;
      for (const action of actions) expect(`${role}: ${action}`).not.toContain('*');
    }
  });

  it('has no right on everything but those whose reason is written down', () => {
    const known = new Set(EVERYWHERE.flatMap(({ actions }) => actions.split(', ')));
    const open = all.filter(({ effect, resources }) => effect === 'Allow' && resources.includes('*'));
    expect(open.length).toBeGreaterThan(0);
    for (const { role, actions } of open) {
      expect({ role, unexplained: actions.filter((action) => !known.has(action)) }).toEqual({
        role,
        unexplained: [],
      });
    }
  });

  it('leaves the pseudonym secret and its key to those that turn ids', () => {
    // given
    const users = [...statementsOf]
      .filter(([, statements]) =>
        pairs(statements).some((pair) => pair.includes(ARN.secret) || pair.includes(ARN.pseudonymKey)),
      )
      .map(([role]) => role);
    const allowed: Role[] = ['clean', 'export', 'cleanJob'];
    // then
    expect(users.sort()).toEqual(allowed.map(roleIdOf).sort());
    expect(names.filter((name) => ACCESS[name].pseudonyms)).toEqual(allowed);
  });

  it('is marked for the secret only where it turns ids', () => {
    const marked = Object.entries(templates).flatMap(([stack, { Resources }]) =>
      Object.entries(Resources)
        .filter(([, { Properties }]) => JSON.stringify(Properties.Tags ?? []).includes('nightjar-pseudonyms'))
        .map(([id]) => `${stack}.${id}`),
    );
    expect(marked.sort()).toEqual((['clean', 'export', 'cleanJob'] as const).map(roleIdOf).sort());
  });

  it('leaves rejected rows to their reader', () => {
    const readers = [...statementsOf]
      .filter(([, statements]) =>
        pairs(statements).some((pair) => /^s3:Get/.test(pair) && /\/(quarantine\/)?\*$/.test(pair)),
      )
      .map(([role]) => role);
    expect(readers.filter((role) => mayRead(role, 'quarantine/'))).toEqual([roleIdOf('quarantineReader')]);
  });

  it('deletes nothing and changes no drop', () => {
    for (const { effect, actions, role } of all) {
      if (effect !== 'Allow') continue;
      expect({ role, deletes: actions.filter((a) => /^s3:(Delete|BypassGov|PutLifecycle)/.test(a)) }).toEqual(
        {
          role,
          deletes: [],
        },
      );
    }
    for (const role of statementsOf.keys()) {
      const writes = pairs(statementsOf.get(role)!).filter((pair) => pair.startsWith('s3:Put'));
      expect(writes.filter((pair) => pair.includes(ARN.drops))).toEqual([]);
    }
  });
});

/** Whether any allowed read of the data bucket covers objects under a prefix. */
function mayRead(role: string, prefix: string): boolean {
  return pairs(statementsOf.get(role)!).some((pair) => {
    const [action, resource = ''] = pair.split(' on ');
    if (!action?.startsWith('s3:Get') || !resource.startsWith(ARN.data)) return false;
    const pattern = resource.slice(ARN.data.length + 1).replace(/\*$/, '');
    return prefix.startsWith(pattern) || pattern.startsWith(prefix);
  });
}

describe('resources', () => {
  it('let in no one unknown', () => {
    const open = resourceStatements(templates).filter(
      ({ statement: { effect, principals } }) =>
        effect === 'Allow' && principals.some((principal) => /"\*"/.test(principal)),
    );
    expect(open).toEqual([]);
  });

  it('let a service in for the own account only', () => {
    const services = resourceStatements(templates).filter(
      ({ at, statement: { effect, principals } }) =>
        effect === 'Allow' &&
        principals.some((principal) => principal.includes('"Service"')) &&
        // A role of a function or a job is given to it by who may pass the role.
        !/Role/.test(at),
    );
    expect(services.length).toBeGreaterThan(4);
    for (const { at, statement } of services) {
      // EventBridge names no account when it writes to the alarms' topic, or encrypts for it.
      const unnamed =
        at.startsWith('watch.Alarms') && /events\.amazonaws\.com/.test(statement.principals.join());
      expect(`${at} ${unnamed ? 'AWS::AccountId' : statement.condition}`).toContain('AWS::AccountId');
    }
  });
});
