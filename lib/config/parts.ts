import { z } from 'zod';

/** Parts that several schemas share. */
export const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'a name of letters, digits, "-" and "_", starting with a letter');
export const days = z.number().int().positive();
