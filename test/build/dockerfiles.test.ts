import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../bin/build/index.ts';
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

describe.each([
  { image: 'finetune', targets: ['finetune'] },
  { image: 'score', targets: ['score', 'cpu'] },
])('the Dockerfile of $image', ({ image, targets }) => {
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
    expect([...arguments_.keys()]).toEqual(['BASE', 'BASE_DIGEST', 'NODE', 'NODE_DIGEST']);
    expect(arguments_.get('BASE')).toMatch(/^nvidia\/cuda:12\.\d+\.\d+-cudnn-runtime-ubuntu22\.04$/);
    expect(arguments_.get('NODE')).toMatch(/^node:22\.\d+\.\d+-bookworm-slim$/);
    for (const { text } of instructions.filter(({ name }) => name === 'FROM')) {
      expect(text).toMatch(
        /^--platform=linux\/amd64 \$\{(BASE|NODE)\}\$\{\1_DIGEST\} AS \w+$|^(node|dependencies) AS \w+$/,
      );
    }
  });

  it('runs as nobody in particular, and its own code is the last layer', () => {
    // given
    const stages = stagesOf(instructions);
    // then
    for (const target of targets) {
      const stage = stages.get(target)!;
      const user = stage.filter(({ name }) => name === 'USER').map(({ text }) => text);
      expect(user).toEqual(['10001:10001']);
      expect(stage.at(-1)).toEqual({ name: 'COPY', text: 'app ./app' });
      const layers = stage.filter(({ name }) => name === 'COPY' || name === 'RUN').map(({ text }) => text);
      const order = ['/usr/local/bin/node', '--from=dependencies', '--from=provider', 'app ./app'];
      const found = order
        .map((part) => layers.findIndex((text) => text.includes(part)))
        .filter((at) => at >= 0);
      expect(found).toEqual([...found].sort((a, b) => a - b));
      expect(layers.some((text) => text.includes('--from=provider'))).toBe(target !== 'cpu');
    }
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
    expect(commands).toHaveLength(targets.length);
    for (const [node, entry] of commands) {
      expect(node).toBe('node');
      expect(existsSync(join(built.image, entry!)), entry).toBe(true);
    }
  });

  it('removes and runs what the locked onnxruntime-node has', () => {
    // given
    const runtime = join(ROOT, 'node_modules/onnxruntime-node');
    const runs = instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text);
    // then
    const removed = runs.flatMap((text) => / rm -r (.+)$/.exec(text)?.[1]?.split(' ') ?? []);
    expect(removed).toEqual(['darwin', 'win32', 'linux/arm64']);
    for (const folder of removed) expect(existsSync(join(runtime, 'bin/napi-v6', folder)), folder).toBe(true);
    const scripts = runs.flatMap((text) => / node (node_modules\S+)/.exec(text)?.[1] ?? []);
    expect(scripts).toHaveLength(1);
    expect(existsSync(join(ROOT, scripts[0]!))).toBe(true);
    // The script knows the files that are moved on.
    const metadata = readFileSync(join(runtime, 'script/install-metadata.js'), 'utf8');
    const moved = runs.flatMap((text) => / mv (.+) \/provider\/$/.exec(text)?.[1]?.split(' ') ?? []);
    expect(moved).toHaveLength(2);
    for (const file of moved) expect(metadata).toContain(`runtimes/linux-x64/native/${file}`);
  });
});
