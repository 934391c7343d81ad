import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, NightjarError } from '../../../lib/data/index.ts';
import { retrySeconds } from '../../../lib/runtime/aws/clients.ts';
import { isAway, openClient, openS3Store } from '../../../lib/runtime/aws/index.ts';
import { patientRetries } from '../../../lib/runtime/aws/retries.ts';
import { getText, StoreError, SystemError } from '../../../lib/runtime/index.ts';

/** An error as the SDK gives it. */
function ofAws(name: string, httpStatusCode?: number): Error {
  const error = new Error(`${name} was said`);
  error.name = name;
  return Object.assign(error, { $metadata: httpStatusCode === undefined ? {} : { httpStatusCode } });
}

const ofSystem = (code: string) => Object.assign(new Error(`${code} was met`), { code });

describe('an error tells whether a dependency is away', () => {
  it.each([
    ['S3 asked too much', ofAws('SlowDown', 503)],
    ['a service that throttles', ofAws('ThrottlingException', 400)],
    ['KMS throttled behind S3', ofAws('KMS.ThrottlingException', 400)],
    ['too many calls at once', ofAws('TooManyRequestsException', 429)],
    ['a fault within the service', ofAws('InternalError', 500)],
    ['a gateway without an answer', ofAws('UnknownError', 504)],
    ['a request that took too long', ofAws('RequestTimeout', 400)],
    ['no answer in time', ofAws('TimeoutError')],
    ['two writers at once', ofAws('ConditionalRequestConflict', 409)],
    ['credentials just expired', ofAws('ExpiredToken', 400)],
    ['credentials just expired, elsewhere', ofAws('ExpiredTokenException', 403)],
    ['credentials just expired, told of a HEAD', ofAws('Unknown', 400)],
    ['a connection reset', ofSystem('ECONNRESET')],
    ['a connection refused', ofSystem('ECONNREFUSED')],
    ['a name that is not resolved at the moment', ofSystem('EAI_AGAIN')],
    ['a network disk that is gone', new SystemError('ESTALE', 'gone', { concernsAll: true })],
  ])('yes: %s, and as the cause of an error of ours', (_, error) => {
    expect(isAway(error)).toBe(true);
    expect(isAway(new StoreError('it cannot be read', { cause: error }))).toBe(true);
    const told = new NightjarError('the work', { cause: new ConfigError('the key', { cause: error }) });
    expect(isAway(told)).toBe(true);
  });

  it.each([
    ['a right that is missing', ofAws('AccessDenied', 403)],
    ['a bucket that is not there', ofAws('NoSuchBucket', 404)],
    ['credentials that nobody knows', ofAws('InvalidAccessKeyId', 403)],
    ['a request that is wrong', ofAws('InvalidArgument', 400)],
    ['a HEAD that is denied', ofAws('Unknown', 403)],
    ['a wrong signature', ofAws('SignatureDoesNotMatch', 403)],
    ['what the service does not do', ofAws('NotImplemented', 501)],
    ['an object in an archive', ofAws('InvalidObjectState', 403)],
    ['a machine without credentials', ofAws('CredentialsProviderError')],
    ['a setting', new ConfigError('shop.timeZone is missing')],
    ['a full disk', new SystemError('ENOSPC', 'full', { concernsAll: true })],
    ['a fault of ours', new TypeError('x is undefined')],
    ['nothing', undefined],
  ])('no: %s', (_, error) => {
    expect(isAway(error)).toBe(false);
    expect(isAway(new StoreError('it cannot be read', { cause: error }))).toBe(false);
  });

  it('an error that is its own cause has an answer', () => {
    const error = new Error('round and round');
    error.cause = error;
    expect(isAway(error)).toBe(false);
  });
});

describe('a request is sent again', () => {
  /** Fails on and on; attempts take a tenth of a second. @returns when each attempt was made, in milliseconds */
  async function attempts(seconds: number, error: Error, random: () => number): Promise<number[]> {
    let now = 5;
    const strategy = patientRetries({ seconds, clock: () => now, random });
    const made: number[] = [];
    let token = await strategy.acquireInitialRetryToken();
    for (;;) {
      made.push(now);
      now += 100;
      const next = await strategy.refreshRetryTokenForRetry(token, { error }).catch(() => undefined);
      if (!next) return made;
      expect(next.getRetryCount()).toBe(made.length);
      now += next.getRetryDelay();
      token = next;
    }
  }

  it.each([
    ['the longest pauses', 1],
    ['pauses in the middle', 0.5],
    ['short pauses', 0.05],
  ])('for at least the time that it may be, with %s', async (_, share) => {
    const made = await attempts(60, ofAws('SlowDown', 503), () => share);
    expect(made.at(-1)! - made[0]!).toBeGreaterThanOrEqual(60_000);
    expect(made.at(-1)! - made[0]!).toBeLessThan(62_000);
  });

  it('after pauses that grow to ten seconds', async () => {
    const made = await attempts(60, ofAws('InternalError', 500), () => 1);
    const pauses = made.slice(1, -1).map((at, i) => at - made[i]! - 100);
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000]);
  });

  it('later where it is throttled', async () => {
    const made = await attempts(60, ofAws('SlowDown', 503), () => 1);
    expect(made[1]! - made[0]! - 100).toBe(1000);
  });

  it.each([
    ['where that would change nothing', 60, ofAws('AccessDenied', 403)],
    ['with no time for it', 0, ofAws('SlowDown', 503)],
  ])('never %s', async (_, seconds, error) => {
    expect(await attempts(seconds, error, () => 1)).toHaveLength(1);
  });

  it('for the seconds of NIGHTJAR_RETRY_SECONDS', () => {
    expect(retrySeconds({}, 60)).toBe(60);
    expect(retrySeconds({ NIGHTJAR_RETRY_SECONDS: '0' }, 60)).toBe(0);
    expect(retrySeconds({ NIGHTJAR_RETRY_SECONDS: '300' }, 60)).toBe(300);
    for (const text of ['soon', '-1', 'Infinity']) {
      const wrong = () => retrySeconds({ NIGHTJAR_RETRY_SECONDS: text }, 60);
      expect(wrong).toThrow(`NIGHTJAR_RETRY_SECONDS is "${text}"`);
    }
  });
});

describe('a client whose credentials expire while it works', () => {
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });

  it('asks for new ones and goes on, though by its own clock they were good', async () => {
    // given: a service that takes the second ones only
    const seen: string[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      const caller = /Credential=(\w+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      seen.push(caller);
      if (caller === 'new') {
        response
          .writeHead(200, { etag: '"e"', 'last-modified': new Date(0).toUTCString(), 'content-length': '2' })
          .end('ok');
      } else {
        response
          .writeHead(400, { 'content-type': 'application/xml' })
          .end('<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => server.close());
    const given = ['old', 'new'];
    const credentials = async () => ({
      accessKeyId: given.length > 1 ? given.shift()! : given[0]!,
      secretAccessKey: 'secret',
      expiration: new Date(Date.now() + 3_600_000),
    });
    const { port } = server.address() as AddressInfo;
    const client = openClient(
      (settings) =>
        new S3Client({
          ...settings,
          credentials,
          region: 'eu-central-1',
          endpoint: `http://127.0.0.1:${port}`,
          forcePathStyle: true,
        }),
    );
    // when
    const text = await getText(openS3Store({ client, bucket: 'bucket' }), 'key');
    // then
    expect(text).toBe('ok');
    expect(seen).toEqual(['old', 'new']);
    client.destroy();
  });
});
