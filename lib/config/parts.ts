import { z } from 'zod';
import { EVENT_TYPES } from '../data/events.ts';
import { isZoneName } from '../data/zones.ts';

/** Parts that several schemas share. */
export const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'a name of letters, digits, "-" and "_", starting with a letter');
export const days = z.number().int().positive();

export const timeZone = z
  .string()
  .refine(
    isZoneName,
    'an IANA time zone such as "Europe/London" or "UTC" (no abbreviation: BST means two zones)',
  );

export const eventType = z.enum(EVENT_TYPES);
