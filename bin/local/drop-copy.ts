import { bytesOfFile, explain, SystemError, sentenceOf } from '../../lib/runtime/index.ts';
import type { Workspace } from '../workspace.ts';
import type { DropPlan, PlannedFile } from './drop-plan.ts';

export interface CopiedDrop {
  readonly copied: readonly PlannedFile[];
  /** Files that changed, went or became unreadable meanwhile: nothing of them stands under their keys. */
  readonly failed: readonly { readonly file: string; readonly why: string }[];
}

/**
 * Copies what was planned. A file that cannot be copied stops no other one; what is unchanged is left alone, so that it
 * keeps the time at which it was dropped.
 * @param replace whether what has come to stand under a key since may be replaced
 * @throws SystemError where the machine is at fault
 */
export async function copyDrop(
  { store }: Workspace,
  { files }: DropPlan,
  replace: boolean,
  onCopied: (file: PlannedFile) => void = () => {},
): Promise<CopiedDrop> {
  const copied: PlannedFile[] = [];
  const failed: { file: string; why: string }[] = [];
  for (const planned of files) {
    const { file, path, key, state } = planned;
    if (state === 'unchanged') continue;
    try {
      const put = await store.put(key, bytesOfFile(path), replace ? {} : { ifAbsent: true });
      if (!put.written) {
        failed.push({ file, why: `${key} has come to stand there meanwhile` });
        continue;
      }
      copied.push(planned);
      onCopied(planned);
    } catch (error) {
      const known = explain(error);
      if (known instanceof SystemError && known.concernsAll) {
        const before = `${copied.length} of ${files.length} files were dropped before; the same command goes on`;
        throw new SystemError(known.code, `${known.message} (${before})`, {
          cause: error,
          concernsAll: true,
        });
      }
      failed.push({ file, why: sentenceOf(error) });
    }
  }
  return { copied, failed };
}
