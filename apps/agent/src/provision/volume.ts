import { MARGIN_BYTES, type Partition } from '@bty/image-format';
import { type FstabEntry, optionOf } from './fstab.js';
import type { VolumeKind } from './volume-kind.js';

/** A part of the flashed disk that may hold a file system: a partition, by its place, or a logical volume, by its node. */
export interface Volume extends VolumeKind {
  /** For people: `partition 2`, `volume vg/root`. */
  title: string;
  place: { offsetBytes: number; lengthBytes: number } | { node: string };
  partition?: Partition;
  /** `group/volume` of LVM. */
  logical?: string;
}

/** What is mounted of a volume: all of it, or one btrfs subvolume. */
export interface VolumePart {
  volume: Volume;
  /** Id and path of a btrfs subvolume, its path without a leading slash. */
  subvolume?: { id: number; path: string };
}

const TAGS: Readonly<Record<string, (volume: Volume) => string | undefined>> = {
  uuid: ({ uuid }) => uuid?.toLowerCase(),
  label: ({ label }) => label,
  partuuid: ({ partition }) => partition?.uuid,
  partlabel: ({ partition }) => partition?.name,
};

/** How device mapper writes `group/volume`: hyphens doubled, one between the two. */
function mapperName(logical: string): string {
  return logical
    .split('/')
    .map((part) => part.replaceAll('-', '--'))
    .join('-');
}

/** Whether a fstab's first field means this volume. Kernel names count by their partition number only. */
export function isMeant(spec: string, volume: Volume): boolean {
  const tag = /^(?:(UUID|LABEL|PARTUUID|PARTLABEL)=|\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/)(.+)$/.exec(spec);
  if (tag !== null) {
    const name = (tag[1] ?? tag[2] ?? '').toLowerCase();
    const value = name.endsWith('uuid') ? tag[3]?.toLowerCase() : tag[3];
    return value !== undefined && TAGS[name]?.(volume) === value;
  }
  if (volume.logical !== undefined) {
    return spec === `/dev/${volume.logical}` || spec === `/dev/mapper/${mapperName(volume.logical)}`;
  }
  const number = /^\/dev\/(?:[shv]d[a-z]+|xvd[a-z]+|(?:nvme\d+n\d+|mmcblk\d+)p)(\d+)$/.exec(spec)?.[1];
  return number !== undefined && Number(number) === volume.partition?.number;
}

/** The btrfs subvolume that a fstab entry names by `subvol` or `subvolid`. */
export function isNamedSubvolume(entry: FstabEntry, subvolume: { id: number; path: string }): boolean {
  const id = optionOf(entry, 'subvolid');
  return id === String(subvolume.id) || (id === undefined && optionOf(entry, 'subvol') === subvolume.path);
}

/** Whether a volume begins in the part of the disk that is written last, and so is not there yet. */
export function beginsTooEarly(offsetBytes: number): boolean {
  return offsetBytes < MARGIN_BYTES;
}
