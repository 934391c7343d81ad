/** A guess about a file, to be told to a person. */
export interface Guess {
  /** 'delimiter', 'columns.user': what was guessed. */
  readonly what: string;
  readonly guess: string;
  readonly why: string;
  /** What else it may be. */
  readonly others?: readonly string[];
}
