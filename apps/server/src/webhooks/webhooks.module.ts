import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { WEBHOOK } from '../queue/index.js';
import { WebhookEntity } from './webhook.entity.js';
import { WebhookProcessor } from './webhook.processor.js';
import { WebhookQueue } from './webhook.queue.js';
import { WebhookCursorEntity } from './webhook-cursor.entity.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookDeliveryEntity } from './webhook-delivery.entity.js';
import { WebhookRelay } from './webhook-relay.service.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksRepository } from './webhooks.repository.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([WebhookCursorEntity, WebhookDeliveryEntity, WebhookEntity]),
    BullModule.registerQueue({ name: WEBHOOK }),
  ],
  controllers: [WebhooksController],
  providers: [WebhookDeliveriesRepository, WebhookProcessor, WebhookQueue, WebhookRelay, WebhooksRepository],
})
export class WebhooksModule {}
