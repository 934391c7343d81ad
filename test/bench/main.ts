import { benchClean } from './clean.ts';
import { benchDeploy } from './deploy.ts';
import { benchDispatch } from './dispatch.ts';
import { benchExport } from './export.ts';
import { benchFold } from './fold.ts';
import { benchGate } from './gate.ts';
import { benchHistory } from './history.ts';
import { benchInt8 } from './int8.ts';
import { benchKeys } from './keys.ts';
import { benchLabel } from './label.ts';
import { benchLargeDrop } from './large-drop.ts';
import { benchLimits } from './limits.ts';
import { benchMemory } from './memory.ts';
import { benchQuality } from './quality.ts';
import { benchRates } from './rates.ts';
import { benchScore } from './score.ts';
import { benchStart } from './start.ts';
import { machine } from './support.ts';
import { benchText } from './text.ts';
import { benchTrain } from './train.ts';
import { benchTransfer } from './transfer.ts';
import { benchTrees } from './trees.ts';
import { benchTuning } from './tuning.ts';
import { benchValue } from './value.ts';
import { benchWatch } from './watch.ts';

/** What `npm run bench -- NAME … [OPTIONS]` can run; options are the benchmark's own. */
const BENCHES: Record<string, { run: (options: readonly string[]) => Promise<void>; byDefault: boolean }> = {
  clean: { run: benchClean, byDefault: true },
  fold: { run: benchFold, byDefault: true },
  score: { run: benchScore, byDefault: true },
  start: { run: benchStart, byDefault: true },
  keys: { run: benchKeys, byDefault: false },
  history: { run: benchHistory, byDefault: false },
  dispatch: { run: benchDispatch, byDefault: false },
  rates: { run: benchRates, byDefault: false },
  export: { run: benchExport, byDefault: false },
  memory: { run: benchMemory, byDefault: false },
  deploy: { run: benchDeploy, byDefault: false },
  train: { run: benchTrain, byDefault: false },
  trees: { run: benchTrees, byDefault: false },
  'large-drop': { run: benchLargeDrop, byDefault: false },
  text: { run: benchText, byDefault: false },
  quality: { run: benchQuality, byDefault: false },
  value: { run: benchValue, byDefault: false },
  gate: { run: benchGate, byDefault: false },
  watch: { run: benchWatch, byDefault: false },
  label: { run: benchLabel, byDefault: false },
  int8: { run: benchInt8, byDefault: false },
  tuning: { run: benchTuning, byDefault: false },
  transfer: { run: benchTransfer, byDefault: false },
  limits: { run: benchLimits, byDefault: false },
};

const given = process.argv.slice(2);
const firstOption = given.findIndex((argument) => argument.startsWith('--'));
const asked = firstOption < 0 ? given : given.slice(0, firstOption);
const options = firstOption < 0 ? [] : given.slice(firstOption);
const unknown = asked.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}": choose of ${Object.keys(BENCHES).join(', ')}`);
  process.exit(1);
}
console.log(machine());
for (const [name, { run, byDefault }] of Object.entries(BENCHES)) {
  if (asked.length > 0 ? asked.includes(name) : byDefault) await run(options);
}
