const MIB = 1024 * 1024;

/** What one sandbox may use. */
export const SANDBOX_LIMITS = {
  /** Resident memory of all its processes together. */
  memoryBytes: 1024 * MIB,
  /** Address space of one process, so that no allocation outruns the look at the memory. */
  addressSpaceBytes: 2048 * MIB,
  /** Files of its work directory. They are in memory, too. */
  workBytes: 256 * MIB,
  workFiles: 50_000,
  temporaryBytes: 64 * MIB,
  sharedMemoryBytes: 16 * MIB,
  processes: 128,
  openFiles: 512,
  /** What it prints. */
  outputBytes: 16 * MIB,
  /** Files that it hands back. */
  resultBytes: 64 * MIB,
  resultFiles: 2_000,
  /** How long it may take to stop and to hand back its results. */
  graceMs: 6_000,
} as const;

/** Port on which a sandbox reaches its relay. */
export const RELAY_PORT = 2222;
