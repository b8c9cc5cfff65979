export { Bell } from './bell.js';
export { QueueModule } from './queue.module.js';
export { QueueConnection } from './queue-connection.js';
export { warnOfQueue } from './queue-log.js';
export { CIJOE_ONLINE, FLASH_DEADLINE, IMAGE_PREPARE, WORKER, WORKFLOW_CHECK } from './queue-names.js';
