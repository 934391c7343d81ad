import { createRng } from '../../lib/engine/host/index.ts';
import type { AwsCall } from './aws-call.ts';
import type { Fault } from './gateway.ts';

export interface FaultPlan {
  readonly seed: string;
  /** Share of calls that something happens to. */
  readonly share: number;
  readonly services: readonly string[];
}

const KINDS: readonly Fault[] = ['500', '503', 'reset', 'lost', 'cut', 'slow'];

/** Draws for each call of the services whether and how it goes wrong. */
export function faultPlan({ seed, share, services }: FaultPlan): (call: AwsCall) => Fault | undefined {
  const rng = createRng(`faults ${seed}`);
  return ({ service }) => {
    if (!services.includes(service) || rng.uniform() >= share) return undefined;
    return KINDS[rng.integer(KINDS.length)];
  };
}
