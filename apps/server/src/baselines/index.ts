export { BaselineEntity } from './baseline.entity.js';
export { BaselinesModule } from './baselines.module.js';
export { BaselinesRepository } from './baselines.repository.js';
export { DriftService } from './drift.service.js';
export { DriftCheckEntity } from './drift-check.entity.js';
export { DriftChecksRepository } from './drift-checks.repository.js';
export { DriftSchedule } from './drift-schedule.service.js';
export type { Facts } from './facts.js';
export { FactsCollector } from './facts-collector.service.js';
