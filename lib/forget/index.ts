export { findTraces, forget, type Receipt } from './forget.ts';
export { personOf, receiptKey } from './person.ts';
export { subject } from './subject.ts';
