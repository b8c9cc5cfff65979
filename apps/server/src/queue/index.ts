export { Bell } from './bell.js';
export { QueueModule } from './queue.module.js';
export { QueueConnection } from './queue-connection.js';
export { QueueDepths } from './queue-depths.service.js';
export { warnOfQueue } from './queue-log.js';
export { CIJOE_ONLINE, FLASH_DEADLINE, IMAGE_PREPARE, WEBHOOK, WORKER, WORKFLOW_CHECK } from './queue-names.js';
