/**
 * List prices of AWS in US East (N. Virginia), US dollars, on demand, without free tiers and discounts. The one place of
 * prices: look at them again before you sign anything, and change them here.
 */
export const PRICES = {
  date: '2026-11-22',
  region: 'us-east-1',
  s3: {
    standardGbMonth: 0.023,
    instantRetrievalGbMonth: 0.004,
    /** PUT, COPY, POST, LIST. */
    writesPerThousand: 0.005,
    /** GET, HEAD and all others. */
    readsPerThousand: 0.0004,
    transitionsPerThousand: 0.02,
  },
  kms: { keyMonth: 1, requestsPerTenThousand: 0.03 },
  lambda: { gbSecond: 0.0000166667, requestsPerMillion: 0.2, ephemeralGbSecond: 0.0000000309 },
  sqs: { requestsPerMillion: 0.4 },
  /** Linux, by processor. */
  fargate: {
    x64: { vcpuHour: 0.04048, gbHour: 0.004445 },
    arm64: { vcpuHour: 0.03238, gbHour: 0.00356 },
  },
  /** Instances by type: price, vCPUs and memory. Two vCPUs are one processor core. */
  instances: {
    'g4dn.xlarge': { hour: 0.526, vcpus: 4, memoryGib: 16 },
    'g5.xlarge': { hour: 1.006, vcpus: 4, memoryGib: 16 },
    'g6.xlarge': { hour: 0.8048, vcpus: 4, memoryGib: 16 },
  } as Readonly<Record<string, { hour: number; vcpus: number; memoryGib: number }>>,
  ebsGbMonth: 0.08,
  publicAddressHour: 0.005,
  interfaceEndpointHour: 0.01,
  ecrGbMonth: 0.1,
  secretMonth: 0.4,
  logs: { ingestGb: 0.5, storedGbMonth: 0.03 },
  cloudWatch: { alarmMonth: 0.1, metricMonth: 0.3, dashboardMonth: 3 },
  schedulerPerMillion: 1,
} as const;
