export * from './efi-system-partition.js';
export * from './expected-disk.js';
export { type Gpt, type GptReading, readPrimaryGpt } from './gpt.js';
