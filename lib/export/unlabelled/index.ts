export { writeUnlabelled } from './write.ts';
