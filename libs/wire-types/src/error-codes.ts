/**
 * Every error that crosses an edge of bty (socket, HTTP, queue, exit code), once.
 * `retryable` says whether the same order may succeed when it is tried again without anybody changing anything.
 */
export const ERROR_CODES = {
  // the caller's request
  INVALID_REQUEST: { retryable: false, says: 'the request is not well-formed' },
  INVALID_MAC: { retryable: false, says: 'not a MAC address' },
  UNAUTHENTICATED: { retryable: false, says: 'no valid credential was given' },
  FORBIDDEN: { retryable: false, says: 'the credential does not allow it' },
  TOO_MANY_REQUESTS: { retryable: true, says: 'too many attempts; wait before the next' },
  NOT_FOUND: { retryable: false, says: 'there is no such thing' },
  METHOD_NOT_ALLOWED: { retryable: false, says: 'there is something, but it does not take this method' },
  CONFLICT: { retryable: false, says: 'the request conflicts with the present state' },
  IN_USE: { retryable: false, says: 'it is in use and cannot be changed or removed' },
  JOB_ACTIVE: { retryable: false, says: 'the machine has an active flash job already' },
  PRECONDITION_FAILED: { retryable: false, says: 'the thing has changed since you looked' },
  TOO_LARGE: { retryable: false, says: 'larger than the server takes' },
  DIGEST_MISMATCH: { retryable: true, says: 'the bytes do not have the declared digest' },
  STORAGE_FULL: { retryable: true, says: 'the image store has no room' },
  RANGE_NOT_SATISFIABLE: { retryable: false, says: 'the range lies outside the image' },
  UNAVAILABLE: { retryable: true, says: 'a part of the server is not reachable now' },
  INTERNAL: { retryable: true, says: 'an unexpected failure' },
  // the image
  IMAGE_UNAVAILABLE: { retryable: true, says: 'the image cannot be fetched' },
  IMAGE_CHANGED: { retryable: false, says: 'the image is no longer the one that the job names' },
  IMAGE_TRUNCATED: { retryable: true, says: 'the image ended early' },
  IMAGE_TOO_LONG: { retryable: false, says: 'the image goes on after its stated length' },
  IMAGE_INVALID: { retryable: false, says: 'the image is not what its format promises' },
  // the target
  TARGET_NONE: { retryable: false, says: 'no disk may be written' },
  TARGET_AMBIGUOUS: { retryable: false, says: 'more than one disk may be meant' },
  TARGET_NOT_FOUND: { retryable: false, says: 'no disk matches the target hint' },
  TARGET_BUSY: { retryable: false, says: 'the disk is in use' },
  TARGET_MEMBER: { retryable: false, says: 'the disk may be a part of other storage' },
  TARGET_CHANGED: { retryable: false, says: 'the disk is not the one that was chosen' },
  TARGET_TOO_SMALL: { retryable: false, says: 'the image does not fit on the disk' },
  SECTOR_SIZE_MISMATCH: { retryable: false, says: 'the image was made for another sector size' },
  DISK_IO: { retryable: false, says: 'the disk failed to read or write' },
  VERIFY_MISMATCH: { retryable: true, says: 'the disk does not give back what was written' },
  // workflows and runs
  ARCHIVE_INVALID: { retryable: false, says: 'the archive cannot be taken' },
  WORKFLOW_INVALID: { retryable: false, says: 'cijoe does not take the workflow' },
  WORKFLOW_FAILED: { retryable: false, says: 'a step of the workflow failed' },
  RUN_ACTIVE: { retryable: false, says: 'the machine has an active run already' },
  TIME_LIMIT: { retryable: false, says: 'it took longer than it may' },
  LIMIT_EXCEEDED: { retryable: false, says: 'it used more than it may' },
  INTERRUPTED: { retryable: false, says: 'whoever carried it out was stopped' },
  SANDBOX_UNAVAILABLE: { retryable: true, says: 'no sandbox for workflows can be made' },
  SSH_UNREACHABLE: { retryable: true, says: 'the flashed system does not answer over SSH' },
  HOST_KEY_CHANGED: { retryable: false, says: 'the system shows another host key than the one that is pinned' },
  SYSTEM_STARTING: { retryable: true, says: 'the flashed system is still configuring itself' },
  WRONG_MACHINE: { retryable: true, says: 'what answers is not the flashed system of this machine' },
  FACTS_INCOMPLETE: { retryable: true, says: 'what the system looks like cannot be collected' },
  // the job
  MODE_UNSUPPORTED: { retryable: false, says: 'this provisioning mode cannot be carried out' },
  ROOT_NOT_FOUND: { retryable: false, says: 'the flashed disk has no root file system that can be provisioned' },
  CLOUD_INIT_MISSING: { retryable: false, says: 'the flashed system has no cloud-init' },
  PROVISIONING_FAILED: { retryable: false, says: 'the flashed system could not be provisioned' },
  NO_PROGRESS: { retryable: true, says: 'the agent made no progress in time' },
  TOO_MANY_ATTEMPTS: { retryable: false, says: 'the job was handed out too often without a result' },
  STALE_EPOCH: { retryable: false, says: 'the job has been handed to a newer agent' },
  CANCELLED: { retryable: false, says: 'cancelled' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
export const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as ErrorCode[];
