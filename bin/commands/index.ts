import type { Command } from 'commander';

/** Headings of `nightjar --help`, in the order in which a person meets them. */
type Group = 'Start:' | 'Daily work:' | 'Cloud:' | 'Engine:';

/** A command as the help lists it. Its module, and the libraries behind it, are loaded when it is the one that is called. */
export interface Listed {
  readonly name: string;
  readonly group: Group;
  /** One line; the command's own help says the rest. */
  readonly summary: string;
  /** Calls as a person would type them, without the program, by the name of the command or of its subcommand. */
  readonly examples: Readonly<Record<string, readonly string[]>>;
  /** The one of its group whose example stands in the help of all. */
  readonly typical?: true;
  load(): Promise<Command>;
}

/** One of the stages, which are made together. */
const stage = (name: string) => async (): Promise<Command> => {
  const { stageCommands } = await import('./run.ts');
  return stageCommands().find((command) => command.name() === name)!;
};

export const COMMANDS: readonly Listed[] = [
  {
    name: 'demo',
    group: 'Start:',
    summary: 'the whole job on a year of real invoices, then a look at what happened',
    examples: { demo: ['demo'] },
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'init',
    group: 'Start:',
    summary: 'make a folder with a config to start from, for your own file where one is given',
    examples: {
      init: [
        'init my-shop --from csv orders.csv --time-zone Europe/London',
        'init my-shop --from shopify orders_export.csv products_export.csv',
        'init my-shop',
      ],
    },
    typical: true,
    load: async () => (await import('./init.ts')).initCommand(),
  },
  {
    name: 'check',
    group: 'Start:',
    summary: 'is the config right, and how would a real file be read?',
    examples: { check: ['--config my-shop check', '--config my-shop check orders.csv --source orders'] },
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  {
    name: 'drop',
    group: 'Start:',
    summary: 'copy files under drop/, as the shop would',
    examples: { drop: ['--config my-shop drop orders-*.csv --source orders'] },
    load: async () => (await import('./drop.ts')).dropCommand(),
  },
  {
    name: 'run',
    group: 'Daily work:',
    summary: 'everything: clean, train where needed, score, export, report',
    examples: { run: ['--config my-shop run --as-of 2026-02-01'] },
    typical: true,
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'status',
    group: 'Daily work:',
    summary: 'what is where, what failed and why',
    examples: { status: ['--config my-shop status', '--config my-shop status --stack --env prod'] },
    load: async () => (await import('./look.ts')).statusCommand(),
  },
  {
    name: 'report',
    group: 'Daily work:',
    summary: "draw a run's report again, with what has happened since",
    examples: { report: ['--config my-shop report'] },
    load: async () => (await import('./look.ts')).reportCommand(),
  },
  {
    name: 'backtest',
    group: 'Daily work:',
    summary: 'how good would it have been on a past day?',
    examples: { backtest: ['--config my-shop backtest --task purchase --as-of 2025-11-01'] },
    load: async () => (await import('./backtest.ts')).backtestCommand(),
  },
  {
    name: 'compare',
    group: 'Daily work:',
    summary: 'every kind of model side by side as of past days',
    examples: { compare: ['--config my-shop compare --task purchase --as-of 2025-08-01,2025-11-01'] },
    load: async () => (await import('./compare.ts')).compareCommand(),
  },
  {
    name: 'models',
    group: 'Daily work:',
    summary: 'which models serve, why, and who served before; promote one, or take one back',
    examples: {
      models: [
        '--config my-shop models list',
        '--config my-shop models rollback purchase --why "odd scores"',
      ],
      list: ['--config my-shop models list'],
      show: ['--config my-shop models show purchase'],
      diff: ['--config my-shop models diff purchase 0c1d2e3f4a5b 5b4a3f2e1d0c'],
      promote: ['--config my-shop models promote purchase 0c1d2e3f4a5b --why "looked at by hand"'],
      rollback: ['--config my-shop models rollback purchase --why "scores are far too low"'],
    },
    load: async () => (await import('./models.ts')).modelsCommand(),
  },
  {
    name: 'release',
    group: 'Daily work:',
    summary: 'show an export that was held back, as its data look odd but are right',
    examples: { release: ['--config my-shop release --why "a sale: prices were halved"'] },
    load: async () => (await import('./release.ts')).releaseCommand(),
  },
  {
    name: 'lift',
    group: 'Daily work:',
    summary: 'what a campaign changed, arm by arm',
    examples: { lift: ['--config my-shop lift --campaign spring-mail --days 14'] },
    load: async () => (await import('./lift.ts')).liftCommand(),
  },
  {
    name: 'label',
    group: 'Daily work:',
    summary: 'which rows without a label a person should label next',
    examples: { label: ['--config my-shop label --next 100 --out to-label.csv'] },
    load: async () => (await import('./label.ts')).labelCommand(),
  },
  {
    name: 'backfill',
    group: 'Daily work:',
    summary: 'the nights of past days, one after the other',
    examples: { backfill: ['--config my-shop backfill --from 2026-01-01 --to 2026-01-31'] },
    load: async () => (await import('./backfill.ts')).backfillCommand(),
  },
  {
    name: 'forget',
    group: 'Daily work:',
    summary: "take a person's rows out of the drops and of all that was made of them",
    examples: {
      forget: [
        '--config my-shop forget --user 17850 --dry-run',
        '--config my-shop forget --user 17850 --yes',
      ],
    },
    load: async () => (await import('./forget.ts')).forgetCommand(),
  },
  {
    name: 'subject',
    group: 'Daily work:',
    summary: 'all that is known of one person, as JSON',
    examples: { subject: ['--config my-shop subject --user 17850 --out 17850.json'] },
    load: async () => (await import('./subject.ts')).subjectCommand(),
  },
  {
    name: 'prune',
    group: 'Daily work:',
    summary: 'delete what nothing reads any more',
    examples: { prune: ['--config my-shop prune --dry-run', '--config my-shop prune --stack --env prod'] },
    load: async () => (await import('./prune.ts')).pruneCommand(),
  },
  {
    name: 'clean',
    group: 'Daily work:',
    summary: 'one stage of a run: clean what was dropped, build its day rows',
    examples: { clean: ['--config my-shop clean'] },
    load: stage('clean'),
  },
  {
    name: 'features',
    group: 'Daily work:',
    summary: 'one stage: build the day rows of what was cleaned',
    examples: { features: ['--config my-shop features'] },
    load: stage('features'),
  },
  {
    name: 'finetune',
    group: 'Daily work:',
    summary: 'one stage: train new models, which serve the next run',
    examples: { finetune: ['--config my-shop finetune --as-of 2026-02-01'] },
    load: stage('finetune'),
  },
  {
    name: 'score',
    group: 'Daily work:',
    summary: 'one stage: score every user of a run',
    examples: { score: ['--config my-shop score --as-of 2026-02-01'] },
    load: stage('score'),
  },
  {
    name: 'export',
    group: 'Daily work:',
    summary: 'one stage: write the export files of a scored run',
    examples: { export: ['--config my-shop export --as-of 2026-02-01'] },
    load: stage('export'),
  },
  {
    name: 'deploy',
    group: 'Cloud:',
    summary: 'look whether account, region and machine can take it, then deploy',
    examples: { deploy: ['--config my-shop deploy --check', '--config my-shop deploy --env prod'] },
    typical: true,
    load: async () => (await import('./deploy.ts')).deployCommand(),
  },
  {
    name: 'redrive',
    group: 'Cloud:',
    summary: 'dead letters: why they died, and back into their queue',
    examples: { redrive: ['--config my-shop redrive --dry-run', '--config my-shop redrive --queue clean'] },
    load: async () => (await import('./redrive.ts')).redriveCommand(),
  },
  {
    name: 'cost',
    group: 'Cloud:',
    summary: 'what a night and a month would cost',
    examples: { cost: ['--config my-shop cost --users 1e6 --events-per-day 500000'] },
    load: async () => (await import('./cost.ts')).costCommand(),
  },
  {
    name: 'pretrain',
    group: 'Engine:',
    summary: "train a text encoder on the shop's own texts",
    examples: {
      pretrain: [
        'pretrain --text reviews.csv.gz --column body --out my-encoder',
        'pretrain --behaviour --as-of 2024-03-01 --out my-behaviour',
      ],
    },
    load: async () => (await import('./pretrain.ts')).pretrainCommand(),
  },
  {
    name: 'model',
    group: 'Engine:',
    summary: 'look into a model, explain it, write it smaller',
    examples: {
      export: ['model export my-encoder --out small --weights int8'],
      show: ['model show my-encoder --lora query value'],
      explain: ['model explain my-encoder --text "fits well" --text "too small"'],
    },
    typical: true,
    load: async () => (await import('./model.ts')).modelCommand(),
  },
  {
    name: 'engine',
    group: 'Engine:',
    summary: 'the training engine by itself, held against recorded values',
    examples: { parity: ['engine parity my-recordings'] },
    load: async () => (await import('./engine.ts')).engineCommand(),
  },
];
