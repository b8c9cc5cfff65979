import { Module } from '@nestjs/common';
import { BootModule } from '../boot/index.js';
import { DatabaseHealthRepository } from './database-health.repository.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [BootModule], controllers: [HealthController], providers: [DatabaseHealthRepository] })
export class HealthModule {}
