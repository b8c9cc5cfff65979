import { Global, Module } from '@nestjs/common';
import { FlashJobObserver, FlashJobsModule } from '../flash-jobs/index.js';
import { FlashMetrics } from './flash-metrics.service.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsRegistry } from './metrics-registry.service.js';
import { PresentMetrics } from './present-metrics.service.js';

/** Global, because the features below have ports that this one answers. */
@Global()
@Module({
  imports: [FlashJobsModule],
  controllers: [MetricsController],
  providers: [FlashMetrics, MetricsRegistry, PresentMetrics, { provide: FlashJobObserver, useExisting: FlashMetrics }],
  exports: [FlashJobObserver],
})
export class MetricsModule {}
