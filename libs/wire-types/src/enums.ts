/** What `GET /pxe/{mac}` serves a machine on every PXE contact. */
export const BOOT_POLICIES = ['local', 'flash', 'tui'] as const;
export type BootPolicy = (typeof BOOT_POLICIES)[number];

/** What configures the deployed system after the bytes have landed. */
export const PROVISIONING_MODES = ['none', 'cloud-init', 'cijoe', 'cijoe-online'] as const;
export type ProvisioningMode = (typeof PROVISIONING_MODES)[number];

/** How the live env was booted: to carry out a job unattended, or for a person at the console. */
export const LIVE_ENV_MODES = ['flash', 'tui'] as const;
export type LiveEnvMode = (typeof LIVE_ENV_MODES)[number];

/** What a flash job is for: to make the target equal to an image, or to say how it differs, without writing anything. */
export const FLASH_JOB_KINDS = ['flash', 'check'] as const;
export type FlashJobKind = (typeof FLASH_JOB_KINDS)[number];

/** States of a flash job. The last three are final. */
export const FLASH_JOB_STATES = ['queued', 'dispatched', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type FlashJobState = (typeof FLASH_JOB_STATES)[number];

/**
 * Phases of a flash in the order in which an agent goes through them; each has progress of its own. `comparing` ends with
 * the first chunk that differs, and nothing of the disk was written until then.
 */
export const FLASH_STAGES = [
  'preparing',
  'comparing',
  'writing',
  'flushing',
  'verifying',
  'provisioning',
  'committing',
  'rebooting',
] as const;
export type FlashStage = (typeof FLASH_STAGES)[number];

/** What is read back from the disk: every byte of the image, what this job wrote, or nothing. */
export const VERIFY_MODES = ['full', 'written', 'off'] as const;
export type VerifyMode = (typeof VERIFY_MODES)[number];

/** Whether the disk is read first so that what is right is left alone, or all is written because most of it differs. */
export const FLASH_STRATEGIES = ['compare', 'write-through'] as const;
export type FlashStrategy = (typeof FLASH_STRATEGIES)[number];

/** What a flash waited for most. */
export const BOTTLENECKS = ['network', 'disk', 'cpu'] as const;
export type Bottleneck = (typeof BOTTLENECKS)[number];

/** Image formats, told by suffix and confirmed by content. */
export const IMAGE_FORMATS = ['img', 'img.zst', 'qcow2'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

export const FIRMWARES = ['bios', 'uefi'] as const;
export type Firmware = (typeof FIRMWARES)[number];

/** How a disk hangs on the machine, as `lsblk` names it; `other` is everything that it does not name. */
export const TRANSPORTS = [
  'nvme',
  'sata',
  'ata',
  'sas',
  'scsi',
  'virtio',
  'usb',
  'mmc',
  'iscsi',
  'fc',
  'other',
] as const;
export type Transport = (typeof TRANSPORTS)[number];
