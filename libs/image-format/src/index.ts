export * from './efi-system-partition.js';
export * from './expected-disk.js';
export { readPrimaryGpt } from './gpt.js';
