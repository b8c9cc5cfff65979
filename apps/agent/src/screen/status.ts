import type { FlashJobKind, FlashStage, InventoryDisk } from '@bty/wire-types';

/** The job that is being carried out; bytes of the present stage. */
export interface JobStatus {
  kind: FlashJobKind;
  imageName: string;
  target: string | undefined;
  stage: FlashStage;
  bytesDone: number;
  bytesTotal: number | undefined;
  bytesPerSecond: number;
}

/** Everything that the screen shows. Changed in place by the agent; the screen only reads it. */
export interface Status {
  version: string;
  server: string;
  mac: string;
  mode: string;
  connection: string;
  disks: InventoryDisk[];
  job: JobStatus | undefined;
  /** What came of the last job, or why nothing goes on. */
  outcome: string;
}
