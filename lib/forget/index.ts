export { forget, type Receipt } from './forget.ts';
export { personOf } from './person.ts';
export { subject } from './subject.ts';
