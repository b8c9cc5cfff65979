const SIGNATURE = Buffer.from('EFI PART', 'latin1');
const SECTOR_SIZES = [512, 4096] as const;

/** How many of an image's first bytes {@link sectorSizeOf} needs. */
export const SECTOR_HEAD_BYTES = 8192;

/** The logical sector size that an image was made for: its GPT header is at the second sector. Undefined without a GPT. */
export function sectorSizeOf(head: Uint8Array): number | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  return SECTOR_SIZES.find((size) => bytes.subarray(size, size + SIGNATURE.length).equals(SIGNATURE));
}
