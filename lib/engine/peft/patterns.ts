/**
 * A choice by name. A RegExp is searched for. A string is compared with the whole name, `*` standing for any
 * characters and `?` for one; without these it also fits the last parts of a dotted name, as in peft: `query` fits
 * `encoder.layer.0.attention.self.query`.
 */
export type Pattern = string | RegExp;

export function matches(pattern: Pattern, names: readonly string[]): boolean {
  if (typeof pattern === 'string' && !/[*?]/.test(pattern)) {
    return names.some((name) => name === pattern || name.endsWith(`.${pattern}`));
  }
  const expression =
    typeof pattern === 'string'
      ? new RegExp(`^${escaped(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.')}$`, 's')
      : // a global or sticky expression would remember where the last search ended
        new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return names.some((name) => expression.test(name));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
