/** Whether a test may act as another user, one that no permission is waived for. */
export const HAS_OTHER_USER = process.getuid?.() === 0;

/** Options of `spawn` for a user without rights: nobody. */
export const OTHER_USER = { uid: 65_534, gid: 65_534 } as const;
