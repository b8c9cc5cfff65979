export { EventEntity } from './event.entity.js';
export { EventOrderRepository } from './event-order.repository.js';
export { EventStreams } from './event-streams.service.js';
export { EventTail } from './event-tail.service.js';
export { toEventDto } from './events.dto.js';
export { EventsModule } from './events.module.js';
export { type Change, EventsRepository } from './events.repository.js';
export { type SseStream, sseText } from './sse-stream.js';
