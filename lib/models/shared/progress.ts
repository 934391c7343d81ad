/** Tells how far a training is. */
export type Progress = (text: string) => void;
