import { ConfigError } from '../../data/errors.ts';
import { patientRetries } from './retries.ts';

/**
 * Seconds for which a request is sent again where something else tries again anyway: a queue that delivers again, the
 * next tick, a person.
 */
export const SHORT_RETRY_S = 15;
/** Seconds for which a job sends a request again: a job that is started again reads and computes much anew. */
export const JOB_RETRY_S = 60;

const VARIABLE = 'NIGHTJAR_RETRY_SECONDS';

/**
 * Seconds for which requests are sent again: what NIGHTJAR_RETRY_SECONDS says, else `standard`.
 * @throws ConfigError when the variable is no number from 0
 */
export function retrySeconds(env: Readonly<Record<string, string | undefined>>, standard: number): number {
  const text = env[VARIABLE];
  if (!text) return standard;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new ConfigError(`${VARIABLE} is "${text}": give a number of seconds from 0, such as ${standard}`);
}

/** What every client of AWS is made with. */
export interface ClientSettings {
  readonly retryStrategy: ReturnType<typeof patientRetries>;
  readonly requestHandler: { readonly connectionTimeout: number; readonly socketTimeout: number };
}

/**
 * How Nightjar's AWS clients behave; where they connect and as whom are the SDK's defaults (environment, profile, role).
 * Without a socket timeout a connection that died unnoticed is waited for without end; it is longer than a long poll
 * (20 s).
 * @param seconds for which a request is sent again after its first failure
 */
export function clientSettings(seconds = SHORT_RETRY_S): ClientSettings {
  return settingsWith(patientRetries({ seconds }));
}

/** A client as the SDK makes it: it finds its credentials again when it is told to. */
interface SdkClient {
  readonly config: { readonly credentials: (options?: { forceRefresh?: boolean }) => Promise<unknown> };
}

/**
 * A client that behaves so and, when AWS says that its credentials have expired, asks for new ones before it tries again:
 * the SDK goes by its own clock and by the end that the credentials name.
 */
export function openClient<C extends SdkClient>(make: (settings: ClientSettings) => C, seconds?: number): C {
  const onExpired = async () => void (await client.config.credentials({ forceRefresh: true }));
  const retryStrategy = patientRetries({ seconds: seconds ?? SHORT_RETRY_S, onExpired });
  const client = make(settingsWith(retryStrategy));
  return client;
}

const settingsWith = (retryStrategy: ClientSettings['retryStrategy']): ClientSettings => ({
  retryStrategy,
  requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
});
