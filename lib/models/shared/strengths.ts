/** How strongly a feature moves the scores of one task: the mean of |gradient x input| over rows. */
export interface FeatureStrength {
  readonly name: string;
  readonly group: string;
  readonly strength: number;
}

/** What moves the scores of one task. */
export interface TaskStrengths {
  /** The strongest features, strongest first. */
  readonly features: FeatureStrength[];
  /** Share of every group in the whole strength. */
  readonly groups: { readonly group: string; readonly share: number }[];
}
