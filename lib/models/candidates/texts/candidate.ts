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
  readonly name: string;
  readonly reads = ['texts (encoder trained too)'];
  readonly formOf?: Candidate;

  /** @param plain what this is the form of that learns from copies with typing errors, too */
  constructor(name: string, plain?: TextsCandidate) {
    this.name = name;
    if (plain) this.formOf = plain;
  }

  /**
   * Where each row has one class, or says yes or no. Copies are a form of its own where the config does not say whether to learn from
   * them and texts are few: many show what people mistype.
   */
  applies(material: Material): boolean {
    const { rowTexts, answers, heads, config } = material;
    const told = answers === 'one-of' || (answers === undefined && heads.length === 1);
    if (rowTexts === undefined || !told) return false;
    return (
      !this.formOf ||
      (config.text!.labels.typos === undefined && tokensOf(material, textsOf(material)) < FEW_TOKENS)
    );
  }

  async fit(material: Material): Promise<FittedTexts> {
    const { rowTexts, used, answers, config } = material;
    const texts = textsOf(material);
    const labels = Array.from(used, (row) => classOf(material, row));
    const { brought, characters } = rowTexts!;
    const amount = { tokens: tokensOf(material, texts), brought, characters };
    const copies = Number(this.formOf !== undefined || config.text!.labels.typos === true);
    const classifier = await fitted(material, this.name, { texts, labels, amount, copies });
    const places = Int32Array.from(material.heads, (_, head) => classifier.classes.indexOf(keyOf(head)));
    return FittedTexts.of({
      material,
      classifier,
      places: answers === 'one-of' ? places : undefined,
      notes: notesOf(this.name, classifier),
    });
  }
}

/** The texts of the rows that are learnt from. */
const textsOf = ({ rowTexts, used }: Material): string[] => Array.from(used, (row) => rowTexts!.texts[row]!);

const tokensOf = ({ rowTexts }: Material, texts: readonly string[]): number =>
  rowTexts!.encoder.tokenizer.tokenize(texts, { maxLength: rowTexts!.maxLength }).ids.length;

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
  name: string,
  {
    texts,
    labels,
    amount,
    copies,
  }: { texts: readonly string[]; labels: readonly string[]; amount: AmountOfText; copies: number },
): Promise<TextClassifier> {
  const { encoder, maxLength, id } = rowTexts!;
  const settings = { ...classifierSettings(config, amount, copies), maxLength };
  const stored = fits?.next(contentId({ settings, id, texts, labels, version: 1 }));
  const earlier = await stored?.read();
  return fitTextClassifier(encoder, texts, labels, {
    ...settings,
    onProgress: ({ step, of, loss }) => progress(`${name}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
    signal: fits?.signal,
    ...(stored ? { checkpoint: { put: stored.put, every: () => stored.isDue(), atEnd: true } } : {}),
    resume: earlier?.bytes,
  });
}

function notesOf(name: string, { heldOut: { logLoss, baseLogLoss } }: TextClassifier): string[] {
  if (logLoss < baseLogLoss) return [];
  return [
    `The ${name} learnt nothing: its log loss on texts held out is ${logLoss.toFixed(4)}, that of the shares of the classes ` +
      `alone ${baseLogLoss.toFixed(4)}.`,
  ];
}
