/** POSIX.1-2017, pax, "ustar Interchange Format": one header block of a tar. */
export const BLOCK_BYTES = 512;

const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

/** What a header says, as far as bty looks at it. */
export interface Header {
  readonly path: string;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly type: string;
}

function textAt(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString('utf8');
}

/** An octal number; undefined for anything else, the binary numbers of GNU tar for huge files included. */
function numberAt(block: Buffer, offset: number, length: number): number | undefined {
  const digits = textAt(block, offset, length).trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** Sum of the block's bytes with the checksum's own field counted as blanks. */
function checksumOf(block: Buffer): number {
  let sum = CHECKSUM_BYTES * 0x20;
  for (const [at, byte] of block.entries()) {
    if (at < CHECKSUM_AT || at >= CHECKSUM_AT + CHECKSUM_BYTES) sum += byte;
  }
  return sum;
}

/** Reads a header block; undefined when it is none. */
export function readHeader(block: Buffer): Header | undefined {
  const sizeBytes = numberAt(block, 124, 12);
  const mode = numberAt(block, 100, 8);
  if (sizeBytes === undefined || mode === undefined) return undefined;
  if (numberAt(block, CHECKSUM_AT, CHECKSUM_BYTES) !== checksumOf(block)) return undefined;
  // Only ustar has a prefix there; GNU tar keeps times in its place.
  const prefix = textAt(block, 257, 6) === 'ustar' ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    mode,
    sizeBytes,
    type: block.subarray(156, 157).toString('latin1').replace('\0', '0'),
  };
}

/** Makes a header block without owner and time, so that the same files give the same bytes. */
export function makeHeader({ path, mode, sizeBytes, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(path, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${octal(checksumOf(block), 6)}\0 `, CHECKSUM_AT, 'latin1');
  return block;
}
