import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MachineCondition, MachinesModule } from '../machines/index.js';
import { SshModule } from '../ssh/index.js';
import { BaselineEntity } from './baseline.entity.js';
import { BaselinesController } from './baselines.controller.js';
import { BaselinesRepository } from './baselines.repository.js';
import { DriftController } from './drift.controller.js';
import { DriftService } from './drift.service.js';
import { DriftCheckEntity } from './drift-check.entity.js';
import { DriftChecksRepository } from './drift-checks.repository.js';
import { FactsCollector } from './facts-collector.service.js';
import { RecordedCondition } from './recorded-condition.service.js';

/** Global, because machine records have a port that this one answers. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([BaselineEntity, DriftCheckEntity]), MachinesModule, SshModule],
  controllers: [BaselinesController, DriftController],
  providers: [
    BaselinesRepository,
    DriftChecksRepository,
    DriftService,
    FactsCollector,
    { provide: MachineCondition, useClass: RecordedCondition },
  ],
  exports: [MachineCondition],
})
export class BaselinesModule {}
