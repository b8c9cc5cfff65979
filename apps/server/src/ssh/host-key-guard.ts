const MAX_LINE_BYTES = 255;
const MAX_LINES = 50;
/** RFC 4253, 6.1: every implementation must be able to process packets of this size. */
const MAX_PACKET_BYTES = 35_000;
const NEWKEYS = 21;
/** KEXDH_REPLY and KEX_ECDH_REPLY, or KEX_DH_GEX_GROUP; KEX_DH_GEX_REPLY (RFC 4253, 5656, 4419). */
const REPLIES = [31, 33];

/** The host key that a key exchange reply begins with, `TYPE BASE64`; undefined when it begins with something else. */
function hostKeyOf(payload: Buffer): string | undefined {
  if (payload.length < 9) return undefined;
  const length = payload.readUInt32BE(1);
  const blob = payload.subarray(5, 5 + length);
  const typeLength = blob.length < 4 ? 0 : blob.readUInt32BE(0);
  if (blob.length !== length || typeLength === 0 || typeLength > 64 || typeLength > length - 4) return undefined;
  const type = blob.toString('latin1', 4, 4 + typeLength);
  return /^[a-z0-9@.-]+$/.test(type) ? `${type} ${blob.toString('base64')}` : undefined;
}

/**
 * Watches what an SSH server sends before its first encrypted byte, and lets it pass only while the host key it shows is a
 * pinned one. The client checks the server's signature by the very key that it is shown, whichever that is (cijoe believes
 * any): so who has not got the pinned key gets no further than here.
 */
export class HostKeyGuard {
  private pending = Buffer.alloc(0);
  private lines = 0;
  private greeted = false;
  private encrypted = false;
  private shown = false;

  constructor(private readonly pinned: readonly string[]) {}

  /** Takes bytes from the server and returns those that may go on to the client now. Throws when it must be cut off. */
  pass(bytes: Buffer): Buffer {
    if (this.encrypted) return bytes;
    this.pending = Buffer.concat([this.pending, bytes]);
    let passed = 0;
    while (!this.encrypted) {
      const rest = this.pending.subarray(passed);
      const taken = this.greeted ? this.takePacket(rest) : this.takeLine(rest);
      if (taken === 0) break;
      passed += taken;
    }
    if (this.encrypted) passed = this.pending.length;
    const result = this.pending.subarray(0, passed);
    this.pending = this.pending.subarray(passed);
    return result;
  }

  /** Lines before the one of the protocol's version are allowed (RFC 4253, 4.2). */
  private takeLine(bytes: Buffer): number {
    const end = bytes.indexOf(0x0a);
    if (end === -1 ? bytes.length > MAX_LINE_BYTES : end > MAX_LINE_BYTES) throw new Error('it does not speak SSH');
    if (end === -1) return 0;
    this.lines += 1;
    if (bytes.toString('latin1', 0, 4) === 'SSH-') this.greeted = true;
    else if (this.lines > MAX_LINES) throw new Error('it does not speak SSH');
    return end + 1;
  }

  private takePacket(bytes: Buffer): number {
    if (bytes.length < 5) return 0;
    const length = bytes.readUInt32BE(0);
    const padding = bytes.readUInt8(4);
    if (length > MAX_PACKET_BYTES || length < padding + 2) throw new Error('it does not speak SSH');
    if (bytes.length < 4 + length) return 0;
    this.judge(bytes.subarray(5, 4 + length - padding));
    return 4 + length;
  }

  private judge(payload: Buffer): void {
    const message = payload.readUInt8(0);
    if (REPLIES.includes(message)) {
      const key = hostKeyOf(payload);
      // The group of a group exchange begins with a number, and is no reply yet.
      if (key === undefined && message === 31) return;
      if (key === undefined || !this.pinned.includes(key))
        throw new Error('it shows another host key than the one that is pinned');
      this.shown = true;
    } else if (message === NEWKEYS) {
      if (!this.shown) throw new Error('it shows no host key');
      this.encrypted = true;
    }
  }
}
