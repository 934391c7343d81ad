export { rowColumns, senderColumns } from './columns.ts';
export { writeUnlabelled } from './write.ts';
