import { ApiProperty } from '@nestjs/swagger';
import type { ReportFile } from './report-file.js';

/** A file of a report. */
export class ReportFileDto {
  /** @example 'report.html' */
  path: string;

  @ApiProperty({ type: 'integer' })
  size_bytes: number;
}

/** What the API shows of a report; null when there is none. */
export function toReportFileDtos(report: readonly ReportFile[] | null): ReportFileDto[] | null {
  return report?.map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })) ?? null;
}
