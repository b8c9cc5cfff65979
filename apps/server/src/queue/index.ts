export { QueueModule } from './queue.module.js';
export { QueueConnection } from './queue-connection.js';
export { FLASH_DEADLINE, FORGET, IMAGE_PREPARE, WORKER, warnOfQueue } from './queue-names.js';
