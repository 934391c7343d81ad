import type { RewriteTable } from '../rewrite.ts';
import { olderForms } from './older-forms.ts';

/** How operators that are not ours, or not in this form, are written with ours; by name with the domain in front. */
export const rewrites: RewriteTable = { ...olderForms };
