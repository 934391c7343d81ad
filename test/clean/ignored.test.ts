import { describe, expect, it } from 'vitest';
import { isIgnored } from '../../lib/clean/index.ts';

/** By whoever leaves them; each once alone and once among partitions. */
const LEFT_BY: Record<string, string[]> = {
  'Hadoop and Spark': [
    '_SUCCESS',
    '.part-00000.csv.crc',
    'part-00000.csv.crc',
    '_temporary/0/task_202405/part-00000.csv',
    'day_$folder$',
    '_spark_metadata/0',
  ],
  'Databricks and Delta': [
    '_committed_6128317',
    '_committed_vacuum42',
    '_started_6128317',
    '_delta_log/00000000000000000000.json',
    '_delta_log/_last_checkpoint',
    '_change_data/cdc-00000.parquet',
  ],
  'summaries of parquet': ['_metadata', '_common_metadata'],
  macOS: [
    '.DS_Store',
    '._orders.csv',
    '__MACOSX/._orders.csv',
    '__MACOSX/day=1/orders.csv',
    '.Trashes/501/x.csv',
  ],
  Windows: ['Thumbs.db', 'thumbs.db', 'ehthumbs.db', 'desktop.ini', 'Desktop.ini', '~$orders.xlsx'],
  'disks and shares': [
    'lost+found/orders.csv',
    'System Volume Information/x',
    '$RECYCLE.BIN/orders.csv',
    '@eaDir/orders.csv/SYNO@.fileindexdb',
  ],
  'tools that copy and edit': ['.orders.csv.swp', '.git/config', '.orders.csv.part', '.~lock.orders.csv#'],
};

describe('files that are no data by their names are ignored', () => {
  it.each(Object.entries(LEFT_BY))('left by %s', (_, names) => {
    for (const name of names) {
      for (const key of [`drop/orders/${name}`, `drop/orders/day=2024-05-01/${name}`, name]) {
        expect(isIgnored(key), key).toBe(true);
      }
    }
  });

  it('and no others: names that hold such a name, or look like it', () => {
    for (const name of [
      ...['orders.csv', 'part-00000-6128317.c000.snappy.parquet', 'day=2024-05-01/part-0.csv.gz'],
      ...[
        '_orders.csv',
        'SUCCESS',
        '_success',
        '_SUCCESS.csv',
        'crc.csv',
        'orders.crc.csv',
        'metadata',
        '_metadata.csv',
      ],
      ...['committed_1', 'temporary/orders.csv', 'my_temporary/orders.csv', '_temporary', 'delta_log/1.json'],
      ...[
        'Thumbs.db.csv',
        'desktop.ini.gz',
        'lost+found',
        'orders~.csv',
        '$folder$/orders.csv',
        'MACOSX/orders.csv',
      ],
    ]) {
      expect(isIgnored(`drop/orders/${name}`), name).toBe(false);
    }
  });
});
