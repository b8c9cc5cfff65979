/** Signatures of storage that spans disks, as their makers write them, for disks that a flash must leave alone. */

/** LVM's CRC-32: polynomial 0xedb88320, start 0xf597a6cf, no final inversion (lib/misc/crc.c). */
function lvmCrc(bytes: Buffer): number {
  let crc = 0xf597a6cf;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc >>> 0;
}

/** LVM2's physical volume label in sector 1 (lib/label/label.h): name, sector, checksum, offset, type. */
export function signAsLvm(disk: Buffer): void {
  disk.write('LABELONE', 512, 'latin1');
  disk.writeBigUInt64LE(1n, 520);
  disk.writeUInt32LE(32, 532);
  disk.write('LVM2 001', 536, 'latin1');
  disk.writeUInt32LE(lvmCrc(disk.subarray(532, 1024)), 528);
}

/** Superblock 1.2 of Linux md, 4 KiB from the start (include/uapi/linux/raid/md_p.h, struct mdp_superblock_1). */
export function signAsMd(disk: Buffer): void {
  const sb = disk.subarray(4096, 4096 + 256);
  sb.writeUInt32LE(0xa92b4efc, 0);
  sb.writeUInt32LE(1, 4);
  sb.fill(0x5a, 16, 32);
  sb.writeUInt32LE(1, 72);
  sb.writeUInt32LE(2, 92);
  sb.writeBigUInt64LE(8n, 144);
  let sum = 0n;
  for (let at = 0; at < sb.length; at += 4) sum += BigInt(sb.readUInt32LE(at));
  sb.writeUInt32LE(Number(((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn), 216);
}

/** The first label of a ZFS vdev: its ring of uberblocks lies in the second 128 KiB, one a KiB. */
export function signAsZfs(disk: Buffer): void {
  for (let at = 128 * 1024; at < 256 * 1024; at += 1024) {
    disk.writeBigUInt64LE(0x00bab10cn, at);
    disk.writeBigUInt64LE(5000n, at + 8);
  }
}
