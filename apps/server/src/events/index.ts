export { EventEntity } from './event.entity.js';
export { EventsModule } from './events.module.js';
export { EventsRepository } from './events.repository.js';
