import { adafactor } from './adafactor.ts';
import { adagrad } from './adagrad.ts';
import { adamw } from './adamw.ts';
import type { RuleSettings } from './optimiser-options.ts';
import { sgd } from './sgd.ts';
import type { UpdateRule } from './update-rule.ts';

/** The update rule of some settings. */
export function updateRuleOf(settings: RuleSettings): UpdateRule {
  switch (settings.kind) {
    case 'adamw':
      return adamw(settings);
    case 'sgd':
      return sgd(settings);
    case 'adagrad':
      return adagrad(settings);
    case 'adafactor':
      return adafactor(settings);
  }
}
