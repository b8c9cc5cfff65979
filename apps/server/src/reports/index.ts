export { ReportFileDto, toReportFileDtos } from './report-file.dto.js';
export type { ReportFile } from './report-file.js';
export { ReportStore } from './report-store.service.js';
export { ReportsModule } from './reports.module.js';
export { makeHarmless, type OpenReport, sendArchive, sendReportFile } from './send-report.js';
