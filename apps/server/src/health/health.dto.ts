/** The process is alive. */
export class HealthDto {
  /** @example 'ok' */
  status: string;
}

/** What the server needs to do its work, and what is wrong with it. */
export class ReadinessDto {
  ready: boolean;

  /**
   * A sentence for everything that is wrong; empty when the server is ready.
   * @example ['boot files: vmlinuz is missing; build the live env']
   */
  reasons: string[];
}

/** Which version runs. */
export class VersionDto {
  /** @example '0.1.0' */
  version: string;
}
