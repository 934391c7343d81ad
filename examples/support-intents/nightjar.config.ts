import { defineConfig } from 'nightjar-shop';

// One row a message; what does its author want? 27 classes, told from the words alone.
export default defineConfig({
  shop: { name: 'Support', timeZone: 'UTC' },
  sources: {
    messages: {
      format: 'csv',
      table: 'labels',
      columns: {
        label: 'intent',
        split: `CASE WHEN starts_with(file_name, 'test') THEN 'test' ELSE 'train' END`,
      },
      duplicates: 'keep',
      attributes: { texts: ['utterance'] },
    },
  },
  tasks: { intent: { kind: 'label', source: 'messages', answers: 'one-of' } },
  text: {},
});
