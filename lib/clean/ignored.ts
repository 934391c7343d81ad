/**
 * Files beside data that are none: what Spark, Hadoop and Delta leave with their parts, what systems and copying tools
 * hide. They are neither cleaned nor waited for nor refused, in a folder and in a bucket alike; `status` counts them.
 * docs/operations.md prints this list.
 */

/** Names of files, by whoever writes them. The case of Windows' names differs from version to version. */
const FILES: readonly RegExp[] = [
  // Hadoop, Spark, Databricks: markers and checksums of a finished or unfinished write
  /^_SUCCESS$/,
  /^_committed/,
  /^_started/,
  /\.crc$/,
  /_\$folder\$$/,
  // Parquet: summaries of the schemas of the other files
  /^_metadata$/,
  /^_common_metadata$/,
  // Windows, Office
  /^(?:eh)?thumbs\.db$/i,
  /^desktop\.ini$/i,
  /^~\$/,
];

/** Names of folders that hold no data of the shop, however deep. */
const FOLDERS: readonly RegExp[] = [
  // Unfinished writes, logs and bookkeeping of Hadoop, Spark and Delta
  /^_temporary$/,
  /^_delta_log$/,
  /^_change_data$/,
  /^_spark_metadata$/,
  // macOS archives, disks of Linux and Windows, Synology
  /^__MACOSX$/,
  /^lost\+found$/,
  /^System Volume Information$/i,
  /^\$RECYCLE\.BIN$/i,
  /^@eaDir$/,
];

/**
 * Whether a file is ignored by its name: by one of the lists, or because a part of it starts with a dot.
 * @param key the object's, or a path below any folder, with '/' between its parts; of a folder with '/' at the end
 */
export function isIgnored(key: string): boolean {
  const folders = key.split('/');
  const name = folders.pop() ?? '';
  return name.startsWith('.') || FILES.some((file) => file.test(name)) || folders.some(isIgnoredFolder);
}

const isIgnoredFolder = (name: string) => name.startsWith('.') || FOLDERS.some((folder) => folder.test(name));
