import type { AwsCall } from './aws-call.ts';
import type { BatchExecutor, JobDefinitionParts } from './batch-executor.ts';
import type { SubmitRequest } from './batch-jobs.ts';
import type { FunctionName, FunctionPool, TemplateFunction } from './functions.ts';
import { type Answer, denied, json, type Route } from './gateway.ts';
import { isAllowed, mayList, type Statement } from './policies.ts';

/** Notes that a role was refused and returns why. */
export type Refuse = (call: AwsCall, why: string) => string;

/** Batch and Lambda are played by the harness; S3 says "forbidden" for "not found" to those who may not list. */
export function routes(parts: {
  batch: BatchExecutor;
  definitions: readonly JobDefinitionParts[];
  described: readonly TemplateFunction[];
  pools: Record<FunctionName, FunctionPool>;
  roles: ReadonlyMap<string, Statement[]>;
  refuse: Refuse;
}): Route {
  const { batch, definitions, described, pools, roles, refuse } = parts;
  return (call, { path, body }, forward) => {
    switch (call.operation) {
      case 'SubmitJob':
        return submit(batch, definitions, body, forward);
      case 'DescribeJobs':
        return Promise.resolve(json(200, batch.describe(JSON.parse(body.toString()).jobs)));
      case 'ListJobs':
        return Promise.resolve(json(200, batch.list(JSON.parse(body.toString()))));
      case 'Invoke': {
        const name = decodeURIComponent(path.split('/')[3]!);
        const found = described.find(({ arn }) => name === arn || arn.endsWith(`:${name}`));
        if (!found)
          return Promise.resolve(json(404, {}, { 'x-amzn-errortype': 'ResourceNotFoundException' }));
        return pools[found.name]
          .invoke(JSON.parse(body.toString()))
          .then((invoked) =>
            invoked.ok
              ? json(200, invoked.result)
              : json(200, { errorMessage: invoked.error }, { 'x-amz-function-error': 'Unhandled' }),
          );
      }
      case 'GetObject':
      case 'HeadObject':
        return forward().then((answer) => {
          const statements = roles.get(call.role);
          if (answer.status !== 404 || !statements || isAllowed(statements, mayList(call))) return answer;
          return denied(call, refuse(call, `${call.role} may not list ${call.bucket}/${call.key}`));
        });
      default:
        return undefined;
    }
  };
}

/** The protocol server knows definitions by ARN with their revision alone; Batch takes the newest one where none is said. */
async function submit(
  batch: BatchExecutor,
  definitions: readonly JobDefinitionParts[],
  body: Buffer,
  forward: (body?: Buffer) => Promise<Answer>,
): Promise<Answer> {
  const request: SubmitRequest = JSON.parse(body.toString());
  const named = definitions.find(
    ({ arn }) => arn === request.jobDefinition || isRevision(arn, request.jobDefinition),
  );
  const jobDefinition = named?.arn ?? request.jobDefinition;
  const answer = await forward(Buffer.from(JSON.stringify({ ...request, jobDefinition })));
  if (answer.status !== 200) return answer;
  const { jobId, jobArn }: { jobId: string; jobArn: string } = JSON.parse(answer.body.toString());
  batch.submitted(jobId, jobArn, { ...request, jobDefinition });
  return answer;
}

const isRevision = (arn: string, of: string): boolean =>
  arn.startsWith(`${of}:`) && /^\d+$/.test(arn.slice(of.length + 1));
