/** A file of a report, and where it lies in the stored archive. */
export interface ReportFile {
  readonly path: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}
