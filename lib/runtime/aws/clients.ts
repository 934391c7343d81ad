/**
 * How Nightjar's AWS clients behave; where they connect and as whom are the SDK's defaults (environment, profile, role).
 * Five attempts with jitter outlast the usual hiccup, and within seconds, so that a function does not run into its own
 * timeout. Without a socket timeout a connection that died unnoticed is waited for without end; it is longer than a
 * long poll (20 s).
 */
export function clientSettings(): {
  maxAttempts: number;
  retryMode: 'standard';
  requestHandler: { connectionTimeout: number; socketTimeout: number };
} {
  return {
    maxAttempts: 5,
    retryMode: 'standard',
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
  };
}
