import { contentId } from '../../../data/index.ts';
import { fitTextClassifier, type TextClassifier } from '../../../engine/text/index.ts';
import type { Candidate, Material } from '../candidate.ts';
import { FittedTexts } from './fitted.ts';
import { type AmountOfText, classifierSettings, FEW_TOKENS } from './settings.ts';

/**
 * A classifier of the rows' texts: an encoder with a head on it, fine-tuned on the labels, and hashed n-grams of its tokens
 * beside it. Numbers and categories are read by the other candidates of a blend.
 */
export class TextsCandidate implements Candidate {
  readonly name = 'text classifier';
  readonly reads = ['texts (encoder trained too)'];

  /** Where each row has one class, or says yes or no. */
  applies({ rowTexts, answers, heads }: Material): boolean {
    return rowTexts !== undefined && (answers === 'one-of' || (answers === undefined && heads.length === 1));
  }

  async fit(material: Material): Promise<FittedTexts> {
    const { rowTexts, used, answers, config } = material;
    const texts = Array.from(used, (row) => rowTexts!.texts[row]!);
    const labels = Array.from(used, (row) => classOf(material, row));
    const { tokenizer } = rowTexts!.encoder;
    const tokens = tokenizer.tokenize(texts, { maxLength: rowTexts!.maxLength }).ids.length;
    const amount = { tokens, brought: rowTexts!.brought, characters: rowTexts!.characters };
    const { typos } = config.text!.labels;
    const plain = typos === true ? undefined : await fitted(material, texts, labels, amount, 0);
    const tries = typos ?? tokens < FEW_TOKENS;
    const typed = tries ? await fitted(material, texts, labels, amount, 1) : undefined;
    const better = plain && typed ? typed.heldOut.logLoss < plain.heldOut.logLoss : typed !== undefined;
    const classifier = better ? typed! : plain!;
    const places = Int32Array.from(material.heads, (_, head) => classifier.classes.indexOf(keyOf(head)));
    return FittedTexts.of({
      material,
      classifier,
      places: answers === 'one-of' ? places : undefined,
      notes: notesOf(classifier, plain, typed),
    });
  }
}

/** Classes sort as the heads do. */
const keyOf = (head: number): string => String(head).padStart(4, '0');

/** The class of a row that is learnt from, as the classifier calls it. */
function classOf({ heads, outcomes, answers }: Material, row: number): string {
  if (answers !== 'one-of') return String(outcomes[row]!);
  const own = outcomes.subarray(row * heads.length, (row + 1) * heads.length);
  return keyOf(own.indexOf(1));
}

async function fitted(
  { config, rowTexts, progress, fits }: Material,
  texts: readonly string[],
  labels: readonly string[],
  amount: AmountOfText,
  copies: number,
): Promise<TextClassifier> {
  const { encoder, maxLength, id } = rowTexts!;
  const settings = { ...classifierSettings(config, amount, copies), maxLength };
  const stored = fits?.next(contentId({ settings, id, texts, labels, version: 1 }));
  const earlier = await stored?.read();
  const what = copies > 0 ? 'text classifier with typing errors' : 'text classifier';
  return fitTextClassifier(encoder, texts, labels, {
    ...settings,
    onProgress: ({ step, of, loss }) => progress(`${what}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
    signal: fits?.signal,
    ...(stored ? { checkpoint: { put: stored.put, every: () => stored.isDue(), atEnd: true } } : {}),
    resume: earlier?.bytes,
  });
}

function notesOf(
  kept: TextClassifier,
  plain: TextClassifier | undefined,
  typed: TextClassifier | undefined,
): string[] {
  const loss = ({ heldOut }: TextClassifier) => heldOut.logLoss.toFixed(4);
  const { logLoss, baseLogLoss } = kept.heldOut;
  return [
    ...(plain && typed
      ? [
          `The text classifier learns ${kept === typed ? 'from copies with typing errors, too' : 'from no copies with typing errors'}: ` +
            `log loss on texts held out with them ${loss(typed)}, without ${loss(plain)}.`,
        ]
      : []),
    ...(logLoss >= baseLogLoss
      ? [
          `The text classifier learnt nothing: its log loss on texts held out is ${logLoss.toFixed(4)}, that of the shares of the ` +
            `classes alone ${baseLogLoss.toFixed(4)}.`,
        ]
      : []),
  ];
}
