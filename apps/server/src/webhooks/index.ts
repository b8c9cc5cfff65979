export { WebhookEntity } from './webhook.entity.js';
export { WebhookCursorEntity } from './webhook-cursor.entity.js';
export { WebhookDeliveryEntity } from './webhook-delivery.entity.js';
export { WebhooksModule } from './webhooks.module.js';
