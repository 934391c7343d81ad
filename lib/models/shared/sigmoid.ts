/** The probability of a logit. */
export const probabilityOf = (logit: number): number => 1 / (1 + Math.exp(-logit));
