import type { Source } from '../../config/index.ts';
import type { Field } from './fields.ts';
import type { Flag } from './table.ts';
import { plainText, trimmed } from './texts.ts';

/** Where the hash of an address stands among the stages. */
export const HASHED_ADDRESS = 'v_email_sha256';

/**
 * SHA-256 (hex) of an address without blanks around it, in lower case: the normal form that advertising platforms ask
 * for. NULL where it is none.
 */
export function addressStages(field: Field): string[][] {
  const normal = String.raw`CASE WHEN regexp_full_match(v_email_normal, '[^\s@]+@[^\s@]+') THEN sha256(v_email_normal) END`;
  return [
    [`${plainText(field)} AS v_email`],
    [`lower(${trimmed('v_email')}) AS v_email_normal`],
    [`${normal} AS ${HASHED_ADDRESS}`],
  ];
}

/** Marks rows whose address is none. */
export const NO_ADDRESS: Flag = {
  name: 'no-email-address',
  when: `v_email IS NOT NULL AND ${HASHED_ADDRESS} IS NULL`,
};

/** SQL of text that quarantine keeps: an address is written nowhere but in the drop. */
export function withoutAddresses(source: Source, text: string): string {
  if (source.table !== 'users' || source.columns.email === undefined) return text;
  return String.raw`regexp_replace(${text}, '[^\s"'',;:<>()]+@[^\s"'',;:<>()]+', '(address not kept)', 'g')`;
}
