import type { Config } from '../../config/index.ts';
import { type AttributeEncoder, attributeNames, featureNames, groupWords } from '../../features/index.ts';
import type { TaskStrengths } from './strengths.ts';

/** Names of features as a model's manifest has them -> words. */
export function featureWords(config: Config, encoder: AttributeEncoder | null): ReadonlyMap<string, string> {
  const names = [...featureNames(config), ...(encoder ? attributeNames(encoder) : [])];
  return new Map(names.map(({ name, words }) => [name, words]));
}

/** What moves a task's scores, in words; nothing of a task that the manifest does not tell of. */
export const inWords = (
  strengths: TaskStrengths | undefined,
  words: ReadonlyMap<string, string>,
): TaskStrengths => ({
  groups: (strengths?.groups ?? []).map(({ group, share }) => ({ group: groupWords(group), share })),
  features: (strengths?.features ?? []).map(({ name, group, strength }) => ({
    name: words.get(name) ?? groupWords(name),
    group: groupWords(group),
    strength,
  })),
});
