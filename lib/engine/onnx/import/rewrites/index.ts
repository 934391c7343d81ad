import type { RewriteTable } from '../rewrite.ts';
import { activations } from './activations.ts';
import { attentions } from './attention.ts';
import { products } from './einsum.ts';
import { losses } from './losses.ts';
import { normalisations } from './normalisation.ts';
import { olderForms } from './older-forms.ts';
import { reductions } from './reductions.ts';

/** How operators that are not ours, or not in this form, are written with ours; by name with the domain in front. */
export const rewrites: RewriteTable = {
  ...olderForms,
  ...activations,
  ...reductions,
  ...normalisations,
  ...products,
  ...losses,
  ...attentions,
};
