// class-transformer's @Type needs it before the first decorated class is loaded
import 'reflect-metadata';

export * from './agent-messages.js';
export * from './check-result.js';
export * from './close-codes.js';
export * from './enums.js';
export * from './errors.js';
export * from './flash-result.js';
export * from './frame.js';
export * from './inventory.js';
export * from './job-workflow.js';
export * from './mac-address.js';
export * from './may-be-absent.js';
export * from './nocloud-seed.js';
export * from './server-messages.js';
export * from './target-hint.js';
