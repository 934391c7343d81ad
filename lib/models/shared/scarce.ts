import { z } from 'zod';

/** A task that a shop has little data for yet. Users are counted by what they did in windows that were over. */
export interface Scarce {
  readonly task: string;
  /** Users who had the event in one, and those who had it in none or not in the first part of one. */
  readonly did: number;
  readonly didNot: number;
  /** So many of each are enough. */
  readonly needed: number;
  /** Too few to learn from: only what is believed beforehand answers. */
  readonly alone: boolean;
  /** The same in words for the shop. */
  readonly why: string;
}

export const scarceSchema: z.ZodType<readonly Scarce[]> = z.array(
  z.object({
    task: z.string(),
    did: z.number(),
    didNot: z.number(),
    needed: z.number(),
    alone: z.boolean(),
    why: z.string(),
  }),
);
