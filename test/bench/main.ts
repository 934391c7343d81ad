import { benchClean } from './clean.ts';
import { benchDeploy } from './deploy.ts';
import { benchFold } from './fold.ts';
import { benchLargeDrop } from './large-drop.ts';
import { benchMemory } from './memory.ts';
import { benchRates } from './rates.ts';
import { benchScore } from './score.ts';
import { machine } from './support.ts';

/** What `npm run bench -- NAME …` can run. */
const BENCHES: Record<string, { run: () => Promise<void>; byDefault: boolean }> = {
  clean: { run: benchClean, byDefault: true },
  fold: { run: benchFold, byDefault: true },
  score: { run: benchScore, byDefault: true },
  rates: { run: benchRates, byDefault: false },
  memory: { run: benchMemory, byDefault: false },
  deploy: { run: benchDeploy, byDefault: false },
  'large-drop': { run: benchLargeDrop, byDefault: false },
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}": choose of ${Object.keys(BENCHES).join(', ')}`);
  process.exit(1);
}
console.log(machine());
for (const [name, { run, byDefault }] of Object.entries(BENCHES)) {
  if (asked.length > 0 ? asked.includes(name) : byDefault) await run();
}
