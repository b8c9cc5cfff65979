import { Module } from '@nestjs/common';
import { ReportStore } from './report-store.service.js';

/** What workflows leave behind. */
@Module({ providers: [ReportStore], exports: [ReportStore] })
export class ReportsModule {}
