/** Calls of the zlib that Node brings, with a `z_stream` each (zlib.h). */
interface Zlib {
  open(): Buffer;
  reset(stream: Buffer): void;
  /** Resolves with zlib's return code. */
  inflate(stream: Buffer): Promise<number>;
  end(stream: Buffer): void;
  addressOf(memory: ArrayBufferLike): bigint;
}

type Native = ((...args: unknown[]) => number) & {
  async(stream: Buffer, flush: number, done: (error: unknown, result: number) => void): void;
};

// struct z_stream of a 64-bit system: the places of what is set here, and its size
const NEXT_IN = 0;
const AVAIL_IN = 8;
const NEXT_OUT = 24;
const AVAIL_OUT = 32;
const STREAM_BYTES = 112;
const RAW_WINDOW_BITS = -15;
const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_FINISH = 4;

async function bind(): Promise<Zlib> {
  const { default: koffi } = await import('koffi');
  const node = koffi.load(null);
  const version = node.func('const char *zlibVersion()')() as string;
  const init = node.func('int inflateInit2_(void *, int, const char *, int)') as unknown as Native;
  const reset = node.func('int inflateReset(void *)') as unknown as Native;
  const inflate = node.func('int inflate(void *, int)') as unknown as Native;
  const end = node.func('int inflateEnd(void *)') as unknown as Native;
  return {
    open: () => {
      const stream = Buffer.allocUnsafeSlow(STREAM_BYTES).fill(0); // zlib remembers its address
      const code = init(stream, RAW_WINDOW_BITS, version, STREAM_BYTES);
      if (code !== Z_OK) throw new Error(`zlib does not start: ${code}`);
      return stream;
    },
    reset,
    inflate: (stream) =>
      new Promise((resolve, reject) => {
        inflate.async(stream, Z_FINISH, (error, result) => {
          if (error === null || error === undefined) resolve(result);
          else reject(error as Error);
        });
      }),
    end,
    addressOf: (memory) => koffi.address(memory),
  };
}

/**
 * Decompresses raw deflate on libuv's threads, into memory of the caller. Node's own functions make a stream and memory for
 * each call: a third of the processor's time of a 64 KiB cluster is decompressing, the rest is that.
 */
export class RawInflate {
  private zlib: Promise<Zlib> | undefined;
  private readonly idle: Buffer[] = [];
  private readonly addresses = new WeakMap<ArrayBufferLike, bigint>();

  /** Gives the count of bytes produced, at most what fits. Input may go on after the stream; throws unless that ends. */
  async inflate(input: Buffer, into: Buffer): Promise<number> {
    this.zlib ??= bind();
    const zlib = await this.zlib;
    const stream = this.idle.pop() ?? zlib.open();
    try {
      zlib.reset(stream);
      stream.writeBigUInt64LE(this.place(zlib, input), NEXT_IN);
      stream.writeUInt32LE(input.length, AVAIL_IN);
      stream.writeBigUInt64LE(this.place(zlib, into), NEXT_OUT);
      stream.writeUInt32LE(into.length, AVAIL_OUT);
      const code = await zlib.inflate(stream);
      if (code !== Z_STREAM_END) throw new Error(`zlib stops with code ${code}`);
      return into.length - stream.readUInt32LE(AVAIL_OUT);
    } finally {
      this.idle.push(stream);
    }
  }

  /** Gives zlib's memory back; to be called when nothing is being decompressed. */
  async close(): Promise<void> {
    const zlib = await this.zlib;
    for (const stream of this.idle.splice(0)) zlib?.end(stream);
  }

  private place(zlib: Zlib, { buffer, byteOffset }: Buffer): bigint {
    let address = this.addresses.get(buffer);
    if (address === undefined) {
      address = zlib.addressOf(buffer);
      this.addresses.set(buffer, address);
    }
    return address + BigInt(byteOffset);
  }
}
