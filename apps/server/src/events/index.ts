export { EventEntity } from './event.entity.js';
export { EventsModule } from './events.module.js';
export { type Change, EventsRepository } from './events.repository.js';
