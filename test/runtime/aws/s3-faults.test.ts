import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings, openS3Store } from '../../../lib/runtime/aws/index.ts';
import {
  getText,
  type ObjectStore,
  PreconditionFailed,
  type PutOptions,
  StoreError,
} from '../../../lib/runtime/index.ts';
import {
  type FaultyProxy,
  type FaultyProxyOptions,
  type ProxiedRequest,
  startFaultyProxy,
} from '../../aws/faulty-proxy.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { keys, objectStoreModel } from '../object-store-model.ts';

const MIB = 1 << 20;
const isPut = ({ method }: ProxiedRequest) => method === 'PUT';
const isGet = ({ method }: ProxiedRequest) => method === 'GET';
/** The request that makes the parts an object. */
const isComplete = ({ method, path }: ProxiedRequest) => method === 'POST' && path.includes('uploadId=');

describe.skipIf(!hasMoto)('over S3 with faults', () => {
  let moto: Moto;
  let client: S3Client;
  let buckets = 0;
  const proxies: FaultyProxy[] = [];
  beforeAll(async () => {
    moto = await startMoto();
    client = new S3Client({ ...clientSettings(), ...moto.client });
  });
  afterAll(async () => {
    for (const proxy of proxies) await proxy.close();
    await moto.stop();
  });

  /** The same bucket with and without faults between. */
  async function open(faults: Partial<FaultyProxyOptions>, retrySeconds = 0.5) {
    const bucket = `bucket-${++buckets}`;
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const;
    await client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
    const proxy = await startFaultyProxy({ target: moto.endpoint, seed: 1, rate: 1, ...faults });
    proxies.push(proxy);
    const faulty = new S3Client({
      ...clientSettings(retrySeconds),
      ...moto.client,
      endpoint: proxy.endpoint,
    });
    const store = openS3Store({ client: faulty, bucket });
    return { proxy, bucket, store, direct: openS3Store({ client, bucket }) };
  }

  const uploads = async (bucket: string) =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];

  describe('a conditional put whose answer is lost', () => {
    const small = 'the claim';
    const large = () => stream(9, MIB);
    for (const [what, body, only] of [
      ['small', () => small, isPut],
      ['large', large, isComplete],
    ] as const) {
      it(`has written, once (${what})`, async () => {
        // given
        const { store, direct, proxy } = await open({ kinds: ['lost'], only: first(1, only) });
        // when
        const created = await store.put('k', body(), { ifAbsent: true });
        // then
        expect(proxy.counts.lost).toBe(1);
        expect(created).toEqual({ written: true, etag: (await direct.head('k'))?.etag });
        expect(await store.put('k', body(), { ifAbsent: true })).toEqual({ written: false });
      });

      it(`has replaced what it named (${what})`, async () => {
        const { store, direct, proxy } = await open({ kinds: ['lost'], only: first(1, only) });
        const etag = await etagOf(direct.put('k', 'old'));
        const swapped = await store.put('k', body(), { ifMatch: etag });
        expect(proxy.counts.lost).toBe(1);
        expect(swapped).toEqual({ written: true, etag: (await direct.head('k'))?.etag });
        expect(await store.put('k', body(), { ifMatch: etag })).toEqual({ written: false });
      });

      it(`has written even where no answer ever came (${what})`, async () => {
        const { store, direct, proxy } = await open({ kinds: ['lost'], only });
        const created = await store.put('k', body(), { ifAbsent: true });
        expect(proxy.counts.lost).toBeGreaterThan(1);
        expect(created).toEqual({ written: true, etag: (await direct.head('k'))?.etag });
      });

      it(`has not written where a rival has, be it the same bytes (${what})`, async () => {
        for (const kind of ['reset', 'error', 'lost'] as const) {
          const { store, direct, bucket } = await open({ kinds: [kind], only: first(2, only) });
          const rival = await etagOf(direct.put('k', body(), { ifAbsent: true }));
          expect(await store.put('k', body(), { ifAbsent: true })).toEqual({ written: false });
          expect(await store.put('k', body(), { ifMatch: 'outdated' })).toEqual({ written: false });
          expect((await direct.head('k'))?.etag).toBe(rival);
          expect(await uploads(bucket)).toEqual([]);
        }
      });

      it(`is an error where nobody can know (${what})`, async () => {
        const { store, direct, bucket } = await open({ kinds: ['reset'], only });
        for (const options of [{ ifAbsent: true }, {}]) {
          const put = store.put('k', body(), options);
          await expect(put).rejects.toThrow(StoreError);
          await expect(put).rejects.toThrow(
            /^k in bucket .* cannot be written: .*after \d+ attempts.*try again/,
          );
        }
        expect(await store.put('k', body(), { ifMatch: 'gone' })).toEqual({ written: false });
        expect(await keys(direct, '')).toEqual([]);
        expect(await uploads(bucket)).toEqual([]);
      });
    }

    it('asks no more than once when it is refused at once', async () => {
      const { store, direct, proxy } = await open({ rate: 0 });
      await direct.put('k', 'rival');
      expect(await store.put('k', 'mine', { ifAbsent: true })).toEqual({ written: false });
      expect(proxy.counts.passed).toBe(1);
    });
  });

  it('writes once where the writer may not read, as under quarantine/', async () => {
    // given a role that may put objects of a prefix and is forbidden to look at them
    const answer = { status: 403, body: '' };
    const only = ({ method }: { method?: string }) => method === 'HEAD';
    for (const size of [1, 9]) {
      const { store, direct } = await open({ kinds: ['error'], answer, only });
      // when
      const first = await store.put('k', stream(size, MIB), { ifAbsent: true });
      const again = await store.put('k', stream(size, MIB), { ifAbsent: true });
      // then
      expect([first.written, again.written]).toEqual([true, false]);
      expect((await direct.head('k'))?.size).toBe(size * MIB);
    }
  });

  // moto never answers with a conflict; S3 does, when writers meet.
  describe('a conflict of writers', () => {
    const answer = { status: 409, body: '<Error><Code>ConditionalRequestConflict</Code></Error>' };
    for (const [what, body, only] of [
      ['small', () => 'x', isPut],
      ['large', () => stream(9, MIB), isComplete],
    ] as const) {
      it(`is tried again until it is decided (${what})`, async () => {
        const decided = async (options: PutOptions, standing?: string) => {
          const { store, direct, proxy } = await open({ kinds: ['error'], answer, only: first(2, only) });
          if (standing !== undefined) await direct.put('k', standing);
          const { written } = await store.put('k', body(), options);
          expect(proxy.counts.error).toBe(2);
          return written;
        };
        expect(await decided({ ifAbsent: true })).toBe(true);
        // What is large and not wanted is not even sent, and moto lets any If-Match complete an upload.
        if (only === isPut) expect(await decided({ ifMatch: 'outdated' }, 'rival')).toBe(false);
      });
    }

    it('that does not end is an error', async () => {
      const { store } = await open({ kinds: ['error'], answer, only: isPut });
      await expect(store.put('k', 'x', { ifAbsent: true })).rejects.toThrow(
        /ConditionalRequestConflict.*same moment/,
      );
    });
  });

  describe('a download that breaks off', () => {
    const content = Buffer.concat(Array.from({ length: 5 }, (_, i) => Buffer.alloc(MIB, i + 1)));

    it('goes on where it was', async () => {
      const { store, direct, proxy } = await open({ kinds: ['cut'], only: first(8, isGet) });
      await direct.put('k', content);
      // when
      const whole = await (await store.get('k')).bytes();
      // then
      expect(Buffer.compare(whole, content)).toBe(0);
      expect(proxy.counts.cut).toBe(8);
    });

    it('goes on as a stream, in a range, and as a small object', async () => {
      const { store, direct, proxy } = await open({ kinds: ['cut'], seed: 4, rate: 0.6, only: isGet });
      await direct.put('k', content);
      await direct.put('small', 'some text');
      const pieces: Uint8Array[] = [];
      for await (const piece of (await store.get('k')).body) pieces.push(piece);
      expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
      const range = { start: 1_000_000, end: 4_000_000 };
      const middle = await (await store.get('k', { range })).bytes();
      expect(Buffer.compare(middle, content.subarray(range.start, range.end))).toBe(0);
      for (let i = 0; i < 5; i++) expect(await getText(store, 'small')).toBe('some text');
      expect(proxy.counts.cut).toBeGreaterThan(5);
    });

    it('does not go on in another version', async () => {
      const { store, direct } = await open({ kinds: ['cut'], only: first(1, isGet) });
      await direct.put('k', content);
      const object = await store.get('k');
      await direct.put('k', Buffer.alloc(content.length, 9));
      await expect(object.bytes()).rejects.toThrow(PreconditionFailed);
    });

    it('is given up when not a byte more arrives', async () => {
      const { store, direct, proxy } = await open({ kinds: ['cut'], only: isGet });
      await direct.put('k', content);
      const object = await store.get('k');
      await expect(object.bytes()).rejects.toThrow(StoreError);
      // halves down to one byte, and that in vain
      expect(proxy.counts.cut).toBeGreaterThan(20);
      expect(proxy.counts.cut).toBeLessThan(40);
    });
  });

  it('finds a byte that changed on the way', async () => {
    const { store, direct, proxy } = await open({ kinds: ['damage'], only: isGet });
    for (const [key, body] of [
      ['small', Buffer.alloc(1_000, 1)],
      ['large', Buffer.alloc(3 * MIB, 1)],
    ] as const) {
      await direct.put(key, body);
      const read = async () => (await store.get(key)).bytes();
      await expect(read()).rejects.toThrow(new RegExp(`${key} .* cannot be read: .*Checksum mismatch`));
    }
    expect(proxy.counts.damage).toBe(2);
  });

  it('does not wait without end for an answer', async () => {
    const { bucket, direct, proxy } = await open({ kinds: ['slow'], slowMs: 600_000, only: first(1, isPut) });
    const requestHandler = { socketTimeout: 1_000 };
    const { endpoint } = proxy;
    const impatient = new S3Client({ ...clientSettings(), ...moto.client, endpoint, requestHandler });
    const put = await openS3Store({ client: impatient, bucket }).put('k', 'x', { ifAbsent: true });
    expect(put).toEqual({ written: true, etag: (await direct.head('k'))?.etag });
    expect(proxy.counts.slow).toBe(1);
  });

  describe('an object in parts', () => {
    it('is what was streamed, of which only some parts are held', async () => {
      // given
      let produced = 0;
      const ahead: number[] = [];
      let arrived = 0;
      const only = (request: ProxiedRequest) => {
        if (isPut(request)) ahead.push(produced / 8 - arrived++);
        return isPut(request);
      };
      const { store, direct } = await open({ kinds: ['slow'], only });
      // when
      const body = stream(81, MIB, () => produced++);
      const put = await store.put('k', body);
      // then
      const object = await direct.get('k');
      expect(put).toEqual({ written: true, etag: object.info.etag });
      const expected: Uint8Array[] = [];
      for await (const piece of stream(81, MIB)) expected.push(piece);
      expect(Buffer.compare(await object.bytes(), Buffer.concat(expected))).toBe(0);
      expect(ahead).toHaveLength(11);
      expect(Math.max(...ahead)).toBeLessThanOrEqual(5);
    });

    it('leaves no part behind when its body breaks off or a part cannot be written', async () => {
      const broken = await open({ rate: 0 });
      async function* breaking(): AsyncGenerator<Uint8Array> {
        yield* stream(20, MIB);
        throw new RangeError('the source broke off');
      }
      await expect(broken.store.put('k', breaking())).rejects.toThrow(RangeError);
      const failing = await open({ kinds: ['error'], only: after(2, isPut) });
      let produced = 0;
      await expect(
        failing.store.put(
          'k',
          stream(200, MIB, () => produced++),
        ),
      ).rejects.toThrow(StoreError);
      // then: nor is a body read to its end in vain
      expect(produced).toBeLessThan(100);
      for (const { bucket, direct } of [broken, failing]) {
        expect(await uploads(bucket)).toEqual([]);
        expect(await keys(direct, '')).toEqual([]);
      }
    });

    it('is not sent where it is not wanted', async () => {
      const { store, direct, proxy } = await open({ rate: 0 });
      await direct.put('k', 'stands');
      let produced = 0;
      expect(
        await store.put(
          'k',
          stream(50, MIB, () => produced++),
          { ifAbsent: true },
        ),
      ).toEqual({ written: false });
      expect(produced).toBe(8);
      expect(proxy.counts.passed).toBe(1);
    });
  });

  describe('what others put into the bucket', () => {
    it('is hidden where a folder would hide it, and told where it could be no key', async () => {
      const { direct, bucket } = await open({});
      const raw = (Key: string) =>
        client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: new Uint8Array(0) }));
      for (const key of ['drop/', 'drop/.DS_Store', 'drop/shop/', 'drop/shop/a b+c%20.csv']) await raw(key);
      expect(await keys(direct, 'drop/')).toEqual(['drop/shop/a b+c%20.csv']);
      await raw('drop/a//b');
      expect(await keys(direct, 'drop/')).toEqual(['drop/a//b', 'drop/shop/a b+c%20.csv']);
    });

    it('has any metadata and is then a rival’s', async () => {
      const { direct, bucket } = await open({});
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x', Metadata: { owner: 'someone' } }),
      );
      expect(await direct.put('k', 'x', { ifAbsent: true })).toEqual({ written: false });
    });
  });

  it('says which bucket, which object, what AWS said and what to do', async () => {
    const missing = openS3Store({ client, bucket: 'no-such-bucket' });
    const said =
      /in bucket no-such-bucket cannot be .*NoSuchBucket.*HTTP status 404.*check the NIGHTJAR_\*_BUCKET/;
    await expect(missing.put('k', 'x', { ifMatch: 'e' })).rejects.toThrow(said);
    await expect(missing.get('k')).rejects.toThrow(said);
    await expect(missing.delete('k')).rejects.toThrow(said);
    await expect(keys(missing, 'a/')).rejects.toThrow(said);
    const answer = { status: 403, body: '<Error><Code>AccessDenied</Code><Message>no</Message></Error>' };
    const { store, bucket } = await open({ kinds: ['error'], answer });
    const denied = /AccessDenied: no \(HTTP status 403\); the role may not/;
    await expect(store.put('k', 'x', { ifAbsent: true })).rejects.toThrow(denied);
    await expect(store.get('a/k')).rejects.toThrow(`a/k in bucket ${bucket} cannot be read`);
    await expect(store.head('k')).rejects.toThrow(/the role may not/);
  });

  for (const rate of [0.05, 0.15, 0.3]) {
    objectStoreModel(
      `S3 store with ${100 * rate} % faults`,
      async (): Promise<ObjectStore> => (await open({ rate, seed: buckets }, 10)).store,
      8,
    );
  }
});

async function etagOf(put: ReturnType<ObjectStore['put']>): Promise<string> {
  const result = await put;
  if (!result.written) throw new Error('the put was refused');
  return result.etag;
}

/** Lets the first few that fit meet faults. */
function first(count: number, fits: (request: ProxiedRequest) => boolean) {
  let seen = 0;
  return (request: ProxiedRequest) => fits(request) && seen++ < count;
}

/** Lets all but the first few that fit meet faults. */
function after(count: number, fits: (request: ProxiedRequest) => boolean) {
  let seen = 0;
  return (request: ProxiedRequest) => fits(request) && seen++ >= count;
}

async function* stream(pieces: number, size: number, onPiece = () => {}): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < pieces; i++) {
    onPiece();
    yield Buffer.alloc(size, i + 1);
  }
}
