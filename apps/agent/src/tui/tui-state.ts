import type { FlashStage, InventoryDisk } from '@bty/wire-types';
import type { JobStatus } from '../screen/status.js';
import type { Key } from './keys.js';

/** An image that can be picked: from the image root, or from a server's catalogue. */
export interface TuiImage {
  name: string;
  /** Its path or URL. */
  source: string;
  sizeBytes: number;
  contentBytes: number | undefined;
  /** Why it cannot be flashed. */
  problem: string | undefined;
}

/** A disk that can be picked, with what is on it and what speaks against it, as lines. */
export interface TuiDisk {
  disk: InventoryDisk;
  content: readonly string[];
  objections: readonly string[];
}

/** What was looked up, `undefined` while it is on its way. */
export type Lookup<T> = readonly T[] | { problem: string } | undefined;

/** The modes in the order in which they are shown. */
export const TUI_MODES = ['none', 'cloud-init', 'cijoe'] as const;

/** How the flashed system is configured: not at all, by this user-data, or by this workflow. */
export type TuiProvisioning = { mode: 'none' } | { mode: 'cloud-init' | 'cijoe'; file: string };

/** What a person has put together: enough to look whether it can be done. */
export interface TuiChoice {
  image: TuiImage;
  disk: InventoryDisk;
  provisioning: TuiProvisioning;
}

/** A flash on its way. Times in milliseconds of the event's clock. */
export interface TuiFlash {
  startedMs: number;
  nowMs: number;
  /** The stages so far, the present one last. */
  stages: readonly { stage: FlashStage; sinceMs: number }[];
  bytesDone: number;
  bytesTotal: number | undefined;
  bytesPerSecond: number;
  /** The person was asked whether to stop it. */
  asking: boolean;
  stopping: boolean;
}

export type TuiStep =
  | { screen: 'images' }
  | { screen: 'disks'; image: TuiImage }
  | { screen: 'provisioning'; image: TuiImage; disk: TuiDisk; mode: number; file: string | undefined }
  /** `plan` is undefined while image and disk are looked at. */
  | {
      screen: 'confirm';
      choice: TuiChoice;
      plan: { lines: readonly string[]; refused: boolean } | undefined;
      /** The first line of the plan that is shown, where not all have room. */
      top: number;
      typed: string;
    }
  | { screen: 'flashing'; choice: TuiChoice; flash: TuiFlash }
  | { screen: 'result'; choice: TuiChoice; done: boolean; lines: readonly string[] };

/** What the agent does beside the person: its connection, and the job that its server handed over. */
export interface AgentWork {
  connection: string;
  job: JobStatus | undefined;
  outcome: string;
}

/** Everything that the screen shows. */
export interface TuiState {
  version: string;
  /** Where the images come from, for a person. */
  origin: string;
  root: boolean;
  /** Whether this machine can be rebooted into the disk from here. */
  canReboot: boolean;
  /** What `q` is for, as its key is called: `quit`, or what stands behind the UI; undefined where there is nothing. */
  quitTo: string | undefined;
  images: Lookup<TuiImage>;
  disks: Lookup<TuiDisk>;
  imageCursor: number;
  diskCursor: number;
  step: TuiStep;
  /** One line of what was wrong with the last key; gone with the next. */
  notice: string;
  agent: AgentWork | undefined;
}

export type TuiEvent =
  | { type: 'key'; key: Key }
  | { type: 'images'; images: Lookup<TuiImage> }
  | { type: 'disks'; disks: Lookup<TuiDisk> }
  | { type: 'planned'; lines: readonly string[]; refused: boolean }
  | { type: 'stage'; stage: FlashStage; nowMs: number }
  | { type: 'progress'; bytesDone: number; bytesTotal: number; bytesPerSecond: number; nowMs: number }
  | { type: 'finished'; done: boolean; lines: readonly string[] }
  | { type: 'agent'; work: AgentWork }
  | { type: 'tick'; nowMs: number };

/** What is to be done in the world after an event. */
export type TuiEffect =
  | { type: 'load-images' | 'load-disks' | 'quit' | 'reboot' | 'stop-flash' | 'forget-plan' | 'redraw' }
  | { type: 'plan'; choice: TuiChoice }
  | { type: 'flash'; choice: TuiChoice };

export interface TuiChange {
  state: TuiState;
  effects: readonly TuiEffect[];
}

/** What the person must type to write a disk: the end of its serial, or its kernel name when it has none. */
export function confirmWord({ serial, path }: InventoryDisk): string {
  const trimmed = serial?.trim() ?? '';
  return trimmed.length >= 4 ? trimmed.slice(-4) : path.slice(path.lastIndexOf('/') + 1);
}

/** The entries of a lookup that has come back well. */
export function found<T>(lookup: Lookup<T>): readonly T[] {
  return lookup !== undefined && !('problem' in lookup) ? lookup : [];
}
