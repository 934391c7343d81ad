import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { AwsCall } from '../cloud/aws-call.ts';
import type { Answer } from '../cloud/gateway.ts';

/** Shows other etags than the protocol server has. */
export interface OtherEtags {
  /** The headers of a request as the protocol server is to see them. */
  asked(call: AwsCall, headers: IncomingHttpHeaders): IncomingHttpHeaders;
  /** Its answer as it is to be seen. */
  answered(call: AwsCall, answer: Answer): Answer;
}

const WRITES = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload']);
const READS = new Set(['GetObject', 'HeadObject']);
/** Of no object. */
const OUTDATED = 'outdated';

/**
 * The etags of a bucket under KMS: the MD5 sums that the protocol server gives say what the bytes are, these say nothing.
 * The same bytes put again have another one.
 */
export function opaqueEtags(): OtherEtags {
  /** What each path has had written through here last, and how many times it was written. */
  const written = new Map<string, { etag: string; times: number }>();
  const known = new Map<string, string>();
  const shown = (path: string, etag: string): string => {
    const last = written.get(path);
    const times = last?.etag === etag ? last.times : 0;
    const other = createHash('md5').update(`${path} ${etag} ${times}`).digest('hex');
    known.set(`${path} ${other}`, etag);
    return other;
  };
  return {
    asked({ bucket, key }, headers) {
      const condition = headers['if-match'];
      if (condition === undefined || key === undefined) return headers;
      const path = `${bucket}/${key}`;
      const other = bare(condition);
      const etag = known.get(`${path} ${other}`);
      const current = etag !== undefined && shown(path, etag) === other;
      return { ...headers, 'if-match': `"${current ? etag : OUTDATED}"` };
    },
    answered({ operation, bucket, key }, answer) {
      if (answer.status >= 300) return answer;
      if (operation === 'ListObjectsV2')
        return listed(answer, (name, etag) => shown(`${bucket}/${name}`, etag));
      if (!WRITES.has(operation) && !READS.has(operation)) return answer;
      const path = `${bucket}/${key}`;
      const inBody = operation === 'CompleteMultipartUpload' || operation === 'CopyObject';
      const etag = bare((inBody ? ETAG.exec(answer.body.toString())?.[1] : answer.headers.etag) ?? '');
      if (WRITES.has(operation)) written.set(path, { etag, times: (written.get(path)?.times ?? 0) + 1 });
      const other = `"${shown(path, etag)}"`;
      if (!inBody) return { ...answer, headers: { ...answer.headers, etag: other } };
      return withBody(answer, answer.body.toString().replace(ETAG, `<ETag>${other}</ETag>`));
    },
  };
}

const ETAG = /<ETag>([^<]*)<\/ETag>/;

const bare = (etag: string): string => etag.replaceAll('&quot;', '').replaceAll('"', '');

function listed(answer: Answer, shown: (key: string, etag: string) => string): Answer {
  const text = answer.body.toString().replace(/<Contents>.*?<\/Contents>/gs, (entry) => {
    const key = decodeURIComponent((/<Key>([^<]*)<\/Key>/.exec(entry)?.[1] ?? '').replaceAll('+', ' '));
    return entry.replace(ETAG, (_, etag: string) => `<ETag>"${shown(key, bare(etag))}"</ETag>`);
  });
  return withBody(answer, text);
}

function withBody({ status, headers }: Answer, text: string): Answer {
  const body = Buffer.from(text);
  return { status, headers: { ...headers, 'content-length': String(body.length) }, body };
}
