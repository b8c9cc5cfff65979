export { Bell } from './bell.js';
export { QueueModule } from './queue.module.js';
export { QueueConnection } from './queue-connection.js';
export { warnOfQueue } from './queue-log.js';
export { FLASH_DEADLINE, IMAGE_PREPARE, WORKER } from './queue-names.js';
