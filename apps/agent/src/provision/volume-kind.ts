/** What a volume is, by its superblock. UUID and label as `UUID=` and `LABEL=` of a fstab have them. */
export interface VolumeKind {
  kind: 'ext4' | 'xfs' | 'btrfs' | 'lvm' | 'other';
  /** For people: `ext4`, `swap`, `LUKS`. */
  name: string;
  uuid?: string;
  label?: string;
}

/** So much of a volume's beginning tells what it is: btrfs keeps its superblock at 64 KiB. */
export const KIND_BYTES = 68 * 1024;

const BTRFS_SUPER = 64 * 1024;
const EXT_SUPER = 1024;
const LVM_LABEL_SECTORS = [0, 1, 2, 3];

// Offset, magic, name: what a root is not, named so that a refusal can say what there is.
const OTHERS: readonly (readonly [number, string, string])[] = [
  [0, 'LUKS\xba\xbe', 'LUKS'],
  [4086, 'SWAPSPACE2', 'swap'],
  [0, 'hsqs', 'squashfs'],
  [1024, '\xe2\xe1\xf5\xe0', 'erofs'],
  [1024, '\x10\x20\xf5\xf2', 'f2fs'],
  [54, 'FAT1', 'FAT'],
  [82, 'FAT32', 'FAT'],
  [3, 'NTFS', 'NTFS'],
  [3, 'EXFAT', 'exFAT'],
];

function hasAt(bytes: Buffer, offset: number, magic: string): boolean {
  return bytes.subarray(offset, offset + magic.length).equals(Buffer.from(magic, 'latin1'));
}

function uuidAt(bytes: Buffer, offset: number): string {
  const hex = bytes.subarray(offset, offset + 16).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function labelAt(bytes: Buffer, offset: number, length: number): { label?: string } {
  const label = bytes
    .subarray(offset, offset + length)
    .toString('utf8')
    .replace(/\0.*$/s, '');
  return label === '' ? {} : { label };
}

/** Tells what a volume is from its first `KIND_BYTES` bytes, or what there is of it; undefined when it has no known mark. */
export function volumeKind(bytes: Buffer): VolumeKind | undefined {
  if (hasAt(bytes, BTRFS_SUPER + 64, '_BHRfS_M')) {
    const uuid = uuidAt(bytes, BTRFS_SUPER + 32);
    return { kind: 'btrfs', name: 'btrfs', uuid, ...labelAt(bytes, BTRFS_SUPER + 299, 256) };
  }
  if (hasAt(bytes, 0, 'XFSB')) return { kind: 'xfs', name: 'xfs', uuid: uuidAt(bytes, 32), ...labelAt(bytes, 108, 12) };
  if (
    LVM_LABEL_SECTORS.some(
      (sector) => hasAt(bytes, sector * 512, 'LABELONE') && hasAt(bytes, sector * 512 + 24, 'LVM2'),
    )
  ) {
    return { kind: 'lvm', name: 'LVM' };
  }
  // ext2, 3 and 4 differ in features only; the kernel's ext4 mounts them all.
  if (hasAt(bytes, EXT_SUPER + 56, '\x53\xef')) {
    return { kind: 'ext4', name: 'ext4', uuid: uuidAt(bytes, EXT_SUPER + 104), ...labelAt(bytes, EXT_SUPER + 120, 16) };
  }
  const other = OTHERS.find(([offset, magic]) => hasAt(bytes, offset, magic));
  return other && { kind: 'other', name: other[2] };
}
