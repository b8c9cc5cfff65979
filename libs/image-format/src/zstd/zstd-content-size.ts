import { BtyError } from '@bty/wire-types/errors';
import { type RandomAccess, readExactly } from '../random-access.js';
import { MAX_HEADER_BYTES, readFrameHeader } from './frame-header.js';

const PAGE_BYTES = 4096;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** Reads small fields at ascending places, a page at a time. */
class FieldReader {
  private page: Buffer = Buffer.alloc(0);
  private pageAt = 0;

  constructor(
    private readonly source: RandomAccess,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async field(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const inPage = offsetBytes >= this.pageAt && offsetBytes + lengthBytes <= this.pageAt + this.page.length;
    if (!inPage) {
      const rest = this.source.sizeBytes - offsetBytes;
      const wanted = Math.max(lengthBytes, Math.min(PAGE_BYTES, rest));
      this.page = await readExactly(this.source, 'zstd', offsetBytes, wanted, this.signal);
      this.pageAt = offsetBytes;
    }
    return this.page.subarray(offsetBytes - this.pageAt, offsetBytes - this.pageAt + lengthBytes);
  }
}

function invalid(offsetBytes: number, reason: string): BtyError {
  return new BtyError('IMAGE_INVALID', `zstd, byte ${offsetBytes}: ${reason}`, { details: { offsetBytes } });
}

/** Steps over the blocks of a frame (RFC 8878, 3.1.1.2) by their headers; gives the place after the last one. */
async function afterBlocks(reader: FieldReader, firstBlockBytes: number): Promise<number> {
  for (let at = firstBlockBytes; ; ) {
    const header = (await reader.field(at, BLOCK_HEADER_BYTES)).readUIntLE(0, BLOCK_HEADER_BYTES);
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) throw invalid(at, 'a block of the reserved type');
    at += BLOCK_HEADER_BYTES + (type === RLE_BLOCK ? 1 : header >> 3);
    if ((header & 1) === 1) return at;
  }
}

/**
 * The bytes that a `.zst` file holds, told by the headers of its frames and blocks without decompressing: about one small
 * read per block of up to 128 KiB. Undefined when a frame does not declare its size. What the headers say is only true
 * once the file was decoded. Throws IMAGE_TRUNCATED and IMAGE_INVALID where the headers cannot be right.
 */
export async function zstdContentSize(source: RandomAccess, signal?: AbortSignal): Promise<number | undefined> {
  const reader = new FieldReader(source, signal);
  let contentBytes = 0;
  let at = 0;
  while (at < source.sizeBytes) {
    const head = await reader.field(at, Math.min(MAX_HEADER_BYTES, source.sizeBytes - at));
    const header = readFrameHeader(head);
    if (header.kind === 'invalid') throw invalid(at, header.reason);
    if (header.kind === 'incomplete') await readExactly(source, 'zstd header', at, MAX_HEADER_BYTES, signal);
    else if (header.kind === 'skippable') at += header.headerBytes + header.payloadBytes;
    else {
      if (header.contentBytes === undefined) return undefined;
      contentBytes += header.contentBytes;
      at = (await afterBlocks(reader, at + header.headerBytes)) + (header.checksum ? CHECKSUM_BYTES : 0);
    }
  }
  if (at > source.sizeBytes) await readExactly(source, 'zstd', source.sizeBytes, at - source.sizeBytes, signal);
  return contentBytes;
}
