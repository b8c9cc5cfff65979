export * from './expected-disk.js';
export { type Gpt, type GptReading, readPrimaryGpt } from './gpt.js';
