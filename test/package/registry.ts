import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';

export interface Registry {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  close(): void;
}

/**
 * An npm registry that has one package of its own, and all others from the registry that stands behind it: what a package
 * is to people once it is published.
 * @param behind URL of the real registry
 */
export async function openRegistry(tarball: string, manifest: Manifest, behind: string): Promise<Registry> {
  const asked: string[] = [];
  const bytes = await readFile(tarball);
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    if (path === `/${manifest.name}`) answer(response, JSON.stringify(packument(manifest, bytes, url)));
    else if (path.startsWith(`/${manifest.name}/-/`)) answer(response, bytes);
    else pass(new URL(path, behind), request.headers.accept ?? '*/*', response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return { url, asked, close: () => void server.close() };
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
}

function packument(manifest: Manifest, bytes: Uint8Array, url: string) {
  const { name, version } = manifest;
  const dist = {
    tarball: `${url}/${name}/-/${name}-${version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  };
  const published = { ...manifest, hasInstallScript: true, dist };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: published } };
}

function answer(response: ServerResponse, body: string | Uint8Array): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

function pass(url: URL, accept: string, response: ServerResponse): void {
  fetch(url, { headers: { accept } }).then(
    async (got) => {
      const type = got.headers.get('content-type') ?? 'application/octet-stream';
      response.writeHead(got.status, { 'content-type': type }).end(Buffer.from(await got.arrayBuffer()));
    },
    (error: unknown) => response.writeHead(502).end(String(error)),
  );
}
