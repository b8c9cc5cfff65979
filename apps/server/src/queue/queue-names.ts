/** Derives what the catalogue says about an image that was put into the image root by hand. */
export const IMAGE_PREPARE = 'image-prepare';

/** Notices a flash job that makes no progress. */
export const FLASH_DEADLINE = 'flash-deadline';

/** Carries out workflows against flashed systems. */
export const CIJOE_ONLINE = 'cijoe-online';

/** Has cijoe look at workflows that were put. */
export const WORKFLOW_CHECK = 'workflow-check';

/** Tells webhooks of events. */
export const WEBHOOK = 'webhook';

export const QUEUES = [IMAGE_PREPARE, FLASH_DEADLINE, CIJOE_ONLINE, WORKFLOW_CHECK, WEBHOOK] as const;

/**
 * How workers work. After an outage they ask again within two seconds: BullMQ's own fifteen would be felt. An order whose
 * worker was killed goes to another within fifteen seconds, not a minute. Finished orders are dropped, whatever they say:
 * Postgres has the history.
 */
export const WORKER = {
  runRetryDelay: 2_000,
  lockDuration: 10_000,
  stalledInterval: 5_000,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} as const;
