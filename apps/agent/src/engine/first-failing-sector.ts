const STEP_BYTES = 64 * 1024;

/** Accesses a part of the buffer at its place on the disk; throws when the disk fails there. */
type Access = (piece: Buffer, offsetBytes: number) => Promise<unknown>;

async function firstFailing(access: Access, buffer: Buffer, offsetBytes: number, stepBytes: number): Promise<number> {
  for (let done = 0; done < buffer.length; done += stepBytes) {
    try {
      await access(buffer.subarray(done, Math.min(buffer.length, done + stepBytes)), offsetBytes + done);
    } catch {
      return done;
    }
  }
  return 0;
}

/**
 * Where exactly an access failed, in bytes: the same access again in smaller and smaller pieces, up to the first sector
 * that fails. A disk that is gone fails at the first. When nothing fails any more, the start of the failed access.
 */
export async function firstFailingSector(
  access: Access,
  buffer: Buffer,
  offsetBytes: number,
  sectorBytes: number,
): Promise<number> {
  const step = await firstFailing(access, buffer, offsetBytes, STEP_BYTES);
  const piece = buffer.subarray(step, step + STEP_BYTES);
  return offsetBytes + step + (await firstFailing(access, piece, offsetBytes + step, sectorBytes));
}
