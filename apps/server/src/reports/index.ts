export { ReportFileDto, toReportFileDtos } from './report-file.dto.js';
export type { ReportFile } from './report-file.js';
export { ReportStore } from './report-store.service.js';
export { ReportsModule } from './reports.module.js';
export { sendLog, wantsFollow } from './send-log.js';
export { type OpenReport, sendArchive, sendReportFile } from './send-report.js';
