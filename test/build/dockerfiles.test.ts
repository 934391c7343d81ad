import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../bin/build/index.ts';
import { VERSIONS } from '../../lib/run/index.ts';
import { type BuiltPackages, builtPackages } from './packages.ts';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions of a Dockerfile; lines that end in a backslash go on. */
function parse(dockerfile: string): Instruction[] {
  return dockerfile
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.trim().split(/\s+/);
      return { name, text: rest.join(' ') };
    });
}

/** Each stage's instructions, by its name. */
function stagesOf(instructions: readonly Instruction[]): Map<string, Instruction[]> {
  const stages = new Map<string, Instruction[]>();
  let stage: Instruction[] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') {
      stage = [];
      stages.set(/ AS (\w+)$/.exec(instruction.text)?.[1] ?? '', stage);
    }
    stage.push(instruction);
  }
  return stages;
}

describe.each(['cpu', 'gpu'] as const)('the Dockerfile of %s', (image) => {
  let built: BuiltPackages;
  let instructions: Instruction[];

  beforeAll(async () => {
    built = await builtPackages();
    instructions = parse(await readFile(join(built.image, image, 'Dockerfile'), 'utf8'));
  });

  it('starts from exact versions, which a digest can pin further', () => {
    // given
    const arguments_ = new Map(
      instructions
        .filter(({ name }) => name === 'ARG')
        .map(({ text }) => text.split('=') as [string, string]),
    );
    // then
    const ours = ['NODE', 'NODE_DIGEST', ...(image === 'gpu' ? ['BASE', 'BASE_DIGEST'] : ['TARGETARCH'])];
    expect([...arguments_.keys()].sort()).toEqual(ours.sort());
    expect(arguments_.get('NODE')).toBe(`node:${VERSIONS.node}-bookworm-slim`);
    if (image === 'gpu') {
      expect(arguments_.get('BASE')).toBe(`nvidia/cuda:${VERSIONS.cuda}-cudnn-runtime-ubuntu24.04`);
    }
    for (const { text } of instructions.filter(({ name }) => name === 'FROM')) {
      expect(text).toMatch(
        /^(--platform=linux\/amd64 )?\$\{(BASE|NODE)\}\$\{\2_DIGEST\} AS \w+$|^(node|dependencies) AS \w+$/,
      );
      // Hosts with an NVIDIA GPU are x64; Fargate's processor is a setting.
      if (text.includes('$')) expect(text.startsWith('--platform=linux/amd64')).toBe(image === 'gpu');
    }
  });

  it('runs as nobody in particular, and its own code is the last layer', () => {
    // given
    const stages = stagesOf(instructions);
    // then
    const stage = stages.get(image)!;
    const user = stage.filter(({ name }) => name === 'USER').map(({ text }) => text);
    expect(user).toEqual(['10001:10001']);
    expect(stage.at(-1)).toEqual({ name: 'COPY', text: 'app ./app' });
    const layers = stage.filter(({ name }) => name === 'COPY' || name === 'RUN').map(({ text }) => text);
    const order = ['/usr/local/bin/node', '--from=dependencies', '--from=provider', 'app ./app'];
    const found = order
      .map((part) => layers.findIndex((text) => text.includes(part)))
      .filter((at) => at >= 0);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(layers.some((text) => text.includes('--from=provider'))).toBe(image === 'gpu');
  });

  it('copies only what the build has laid there, and every command has its bundle', () => {
    // given
    const sources = instructions
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    const commands = instructions
      .filter(({ name }) => name === 'CMD')
      .map(({ text }) => JSON.parse(text) as string[]);
    // then
    expect(sources).toContain('package-lock.json');
    for (const source of sources) expect(existsSync(join(built.image, source)), source).toBe(true);
    expect(commands).toHaveLength(1);
    for (const [node, entry] of commands) {
      expect(node).toBe('node');
      expect(existsSync(join(built.image, entry!)), entry).toBe(true);
    }
  });

  it('removes what the locked onnxruntime-node has for others', () => {
    // given
    const runs = instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text);
    // then
    const removed = runs.flatMap((text) =>
      [...text.matchAll(/rm -r ([^;&]+)/g)].flatMap(([, what]) => what!.trim().split(' ')),
    );
    expect(removed).toEqual(['darwin', 'win32', ...(image === 'gpu' ? [] : ['linux/x64']), 'linux/arm64']);
    for (const folder of removed) expect(existsSync(join(RUNTIME, 'bin/napi-v6', folder)), folder).toBe(true);
  });
});

const RUNTIME = join(ROOT, 'node_modules/onnxruntime-node');

describe('the image for a GPU', () => {
  let runs: string[];
  beforeAll(async () => {
    const text = await readFile(join(ROOT, 'containers/gpu/Dockerfile'), 'utf8');
    runs = parse(text)
      .filter(({ name }) => name === 'RUN')
      .map((run) => run.text);
  });

  it('fetches the provider by the script of the locked onnxruntime-node', () => {
    const scripts = runs.flatMap((text) => / node (node_modules\S+)/.exec(text)?.[1] ?? []);
    expect(scripts).toHaveLength(1);
    expect(existsSync(join(ROOT, scripts[0]!))).toBe(true);
    // The script knows the files that are moved on.
    const metadata = readFileSync(join(RUNTIME, 'script/install-metadata.js'), 'utf8');
    const moved = runs.flatMap((text) => / mv (.+) \/provider\/$/.exec(text)?.[1]?.split(' ') ?? []);
    expect(moved).toHaveLength(2);
    for (const file of moved) expect(metadata).toContain(`runtimes/linux-x64/native/${file}`);
  });

  it('is of versions that belong together', () => {
    const { version } = JSON.parse(readFileSync(join(RUNTIME, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(version).toBe(VERSIONS.onnxruntime);
    // CUDA toolkit, and the driver that it needs at least (CUDA release notes, table 3).
    const drivers: Readonly<Record<string, number>> = { 12: 525, 13: 580 };
    expect(VERSIONS.leastDriver).toBe(drivers[VERSIONS.cuda.split('.')[0]!]);
    // Functions run the same major version of Node as the images.
    expect(VERSIONS.node.split('.')[0]).toBe(Runtime.NODEJS_22_X.name.replace(/\D/g, '').slice(0, 2));
  });

  it.each([
    [
      'a provider whose libraries are all there',
      ['libcublasLt.so.13 => /usr/lib/libcublasLt.so.13 (0x0)'],
      0,
    ],
    ['the driver alone missing: the host brings it', ['libcuda.so.1 => not found'], 0],
    ['a provider of another CUDA', ['libcuda.so.1 => not found', 'libcublasLt.so.12 => not found'], 1],
  ])('of %s', (_, lines, code) => {
    // given the step as it stands, with an ldd that answers so
    const step = runs.find((text) => text.includes('ldd '))!;
    const folder = mkdtempSync(join(tmpdir(), 'nightjar-ldd-'));
    writeFileSync(join(folder, 'ldd'), `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`, { mode: 0o755 });
    const script = step.replace(/cd \S+/, 'true');
    // when
    const { status, stderr } = spawnSync('sh', ['-c', script], {
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    // then
    expect(status).toBe(code);
    if (code === 1) expect(stderr).toContain('--build-arg BASE=');
  });
});
