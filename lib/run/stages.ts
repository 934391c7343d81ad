export type StageName = 'finetune' | 'score' | 'export';

/** `done`: its objects stand. The others are told by its job; `failed`: as often as it may. */
export type StageState = 'submitted' | 'running' | 'done' | 'failed';
