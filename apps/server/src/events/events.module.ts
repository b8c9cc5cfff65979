import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventEntity } from './event.entity.js';
import { EventOrderRepository } from './event-order.repository.js';
import { EventRetention } from './event-retention.service.js';
import { EventStreams } from './event-streams.service.js';
import { EventTail } from './event-tail.service.js';
import { EventsController } from './events.controller.js';
import { EventsRepository } from './events.repository.js';

/** The audit log; global, because every feature writes to it. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([EventEntity])],
  controllers: [EventsController],
  providers: [EventOrderRepository, EventRetention, EventStreams, EventTail, EventsRepository],
  exports: [EventOrderRepository, EventStreams, EventTail, EventsRepository],
})
export class EventsModule {}
