import type { BlockTarget } from './block-target.js';
import { isZeros } from './chunk-judge.js';
import type { DiskZones, FixedPiece } from './disk-zones.js';
import { verifyMismatch } from './errors.js';
import type { SegmentDone } from './segment.js';

interface Part extends FixedPiece {
  state: 'right' | 'wrong' | 'written';
}

const zoneRange = (zones: DiskZones, zone: 'head' | 'tail') =>
  zone === 'head'
    ? { offsetBytes: 0, lengthBytes: zones.headBytes }
    : { offsetBytes: zones.tailStartBytes, lengthBytes: zones.diskBytes - zones.tailStartBytes };

/** The head, the tail, and the few bytes of the body that share chunks with them: compared and written from memory. */
export class FixedParts {
  readonly #parts: Part[] = [];
  #blank: { head: boolean; tail: boolean } = { head: false, tail: false };

  private constructor(
    private readonly target: BlockTarget,
    private readonly zones: DiskZones,
  ) {}

  /** Reads what is on the disk in the places of the pieces, and whether head and tail are zero. */
  static async inspect(target: BlockTarget, zones: DiskZones, pieces: readonly FixedPiece[] = []): Promise<FixedParts> {
    const parts = new FixedParts(target, zones);
    parts.#blank = { head: await parts.#isBlank('head'), tail: await parts.#isBlank('tail') };
    await parts.add(pieces);
    return parts;
  }

  /** Adds pieces that became known later. */
  async add(pieces: readonly FixedPiece[]): Promise<void> {
    for (const piece of pieces) {
      const state = (await this.#holds(piece)) ? 'right' : 'wrong';
      this.#parts.push({ ...piece, state });
    }
  }

  isRight(zone: FixedPiece['zone']): boolean {
    return this.#parts.every((part) => part.zone !== zone || part.state !== 'wrong');
  }

  /**
   * Makes the disk look like nothing: its head becomes zero, and with `tail` its tail as well. What is zero already is
   * not written.
   */
  async blank({ tail }: { tail: boolean }): Promise<void> {
    const zones = tail ? (['head', 'tail'] as const) : (['head'] as const);
    let wrote = false;
    for (const zone of zones) {
      if (this.#blank[zone]) continue;
      await this.target.zero(zoneRange(this.zones, zone));
      this.#blank[zone] = true;
      wrote = true;
      for (const part of this.#parts) {
        if (part.zone === zone && part.state !== 'wrong' && !isZeros(part.bytes)) part.state = 'wrong';
      }
    }
    if (wrote) await this.target.flush();
  }

  /** Writes the parts of a zone that are not right, and counts all of its parts; says whether it wrote any. */
  async write(zone: FixedPiece['zone'], done: SegmentDone): Promise<boolean> {
    let wrote = false;
    for (const part of this.#parts) {
      if (part.zone !== zone) continue;
      if (part.state === 'wrong') {
        if (zone !== 'body') this.#blank[zone] = false;
        await this.target.write(part.bytes, part.offsetBytes);
        part.state = 'written';
        wrote = true;
        done.writtenBytes += part.bytes.length;
      } else done.skippedBytes += part.bytes.length;
    }
    return wrote;
  }

  /** Reads the parts of a zone back, all or only what was written; gives the count of bytes found right. */
  async readBack(zone: FixedPiece['zone'], all: boolean): Promise<number> {
    let compared = 0;
    for (const part of this.#parts) {
      if (part.zone !== zone || (!all && part.state !== 'written')) continue;
      const { offsetBytes, bytes } = part;
      if (!(await this.#holds(part)))
        throw verifyMismatch(this.target.path, { offsetBytes, lengthBytes: bytes.length });
      compared += bytes.length;
    }
    return compared;
  }

  async #holds({ offsetBytes, bytes }: FixedPiece): Promise<boolean> {
    const actual = Buffer.alloc(bytes.length);
    await this.target.read(actual, offsetBytes);
    return actual.equals(bytes);
  }

  async #isBlank(zone: 'head' | 'tail'): Promise<boolean> {
    const { offsetBytes, lengthBytes } = zoneRange(this.zones, zone);
    const actual = Buffer.alloc(lengthBytes);
    await this.target.read(actual, offsetBytes);
    return isZeros(actual);
  }
}
