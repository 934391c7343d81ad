import { type Deploy, usesGpu } from '../config/index.ts';
import { type Answer, type Check, unknown } from './checks.ts';

/** vCPUs of Fargate that may run at a time. */
export const FARGATE_QUOTA = 'L-3032A538';
/** Executions of functions that may run at a time; new accounts start with 10. */
const LAMBDA_QUOTA = 'L-B99A9384';
/** Below it, a burst of drops takes the executions that the night's tick needs. */
const LAMBDA_WANTED = 100;

/** Whether a job on Fargate can start, and as many at a time as the config allows. */
export function checkFargateQuota({ cpu }: Deploy, answer: Answer<number>, region: string): Check {
  const name = 'quota Fargate';
  const expected = `${cpu.maxVcpus} vCPUs (${FARGATE_QUOTA})`;
  if ('error' in answer) return unknown(name, expected, answer.error, 'servicequotas:GetServiceQuota');
  const { value } = answer;
  if (value >= cpu.maxVcpus) return { name, state: 'ok', found: `${value} vCPUs`, expected };
  const none = value < cpu.vcpus;
  const ask =
    'aws service-quotas request-service-quota-increase --service-code fargate ' +
    `--quota-code ${FARGATE_QUOTA} --desired-value ${cpu.maxVcpus} --region ${region}`;
  return {
    name,
    state: none ? 'failed' : 'warning',
    found: none
      ? `${value} vCPUs: a job of ${cpu.vcpus} does not start`
      : `${value} vCPUs: ${Math.floor(value / cpu.vcpus)} jobs at a time`,
    expected,
    remedy: none ? `${ask}, or lower deploy.cpu.vcpus` : `${ask}, or lower deploy.cpu.maxVcpus`,
  };
}

/** Functions of all kinds in the account share their executions: a handful is too few for drops and ticks. */
export function checkConcurrency(answer: Answer<number>, region: string): Check {
  const name = 'quota Lambda';
  const expected = `${LAMBDA_WANTED} executions at a time`;
  if ('error' in answer) return unknown(name, expected, answer.error, 'lambda:GetAccountSettings');
  const { value } = answer;
  if (value >= LAMBDA_WANTED) return { name, state: 'ok', found: `${value} executions`, expected };
  return {
    name,
    state: 'warning',
    found: `${value} executions: drops are cleaned more slowly, and their queue keeps them meanwhile`,
    expected,
    remedy:
      'aws service-quotas request-service-quota-increase --service-code lambda ' +
      `--quota-code ${LAMBDA_QUOTA} --desired-value 1000 --region ${region}`,
  };
}

/** Whether the region has the zones that the network is laid over. */
export function checkZones({ zones }: Deploy, answer: Answer<number>): Check {
  const name = 'availability zones';
  const expected = `${zones} or more`;
  if ('error' in answer) return unknown(name, expected, answer.error, 'ec2:DescribeAvailabilityZones');
  const { value } = answer;
  if (value >= zones) return { name, state: 'ok', found: String(value), expected };
  const remedy = value === 2 ? 'set deploy.zones to 2' : 'take another region';
  return { name, state: 'failed', found: String(value), expected, remedy };
}

/** Roles that AWS services make for themselves the first time, if whoever deploys may let them. */
export function serviceRoles(deploy: Deploy): { readonly role: string; readonly service: string }[] {
  return [
    { role: 'AWSServiceRoleForBatch', service: 'batch.amazonaws.com' },
    { role: 'AWSServiceRoleForECS', service: 'ecs.amazonaws.com' },
    ...(usesGpu(deploy) && deploy.gpu.spot
      ? [{ role: 'AWSServiceRoleForEC2Spot', service: 'spot.amazonaws.com' }]
      : []),
  ];
}

/** @param answers by role: whether it is there */
export function checkServiceRoles(deploy: Deploy, answers: ReadonlyMap<string, Answer<boolean>>): Check {
  const name = 'service-linked roles';
  const roles = serviceRoles(deploy);
  const expected = roles.map(({ role }) => role).join(', ');
  const missing: string[] = [];
  for (const { role, service } of roles) {
    const answer = answers.get(role);
    if (answer && 'error' in answer) return unknown(name, expected, answer.error, 'iam:GetRole');
    if (!answer?.value) missing.push(service);
  }
  if (missing.length === 0) return { name, state: 'ok', found: 'all there', expected };
  return {
    name,
    state: 'warning',
    found: `none yet for ${missing.join(', ')}`,
    expected,
    remedy:
      'the first deployment makes them where it may (iam:CreateServiceLinkedRole); else ' +
      missing.map((service) => `aws iam create-service-linked-role --aws-service-name ${service}`).join('; '),
  };
}
