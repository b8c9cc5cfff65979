/** Ways of fallocate(2) to make a range zero; the file, or the device, keeps its size (uapi/linux/falloc.h). */
const FALLOCATE_MODES = {
  // PUNCH_HOLE | KEEP_SIZE. On a disk: its own write-zeroes command, which may deallocate, or a refusal.
  punch: 0x03,
  // ZERO_RANGE | KEEP_SIZE. On a disk: the same without deallocation, or the kernel writes zeros itself.
  'zero-range': 0x11,
} as const;

export type FallocateMode = keyof typeof FALLOCATE_MODES;

/** Calls fallocate(2); resolves with undefined, or with the number of the errno. */
export type Fallocate = (fd: number, mode: FallocateMode, offsetBytes: number, lengthBytes: number) => Promise<number>;

type Native = {
  async(
    ...args: [fd: number, mode: number, offset: number, length: number, done: (error: unknown, result: number) => void]
  ): void;
};

async function bind(): Promise<Fallocate> {
  // Not needed by a flash that zeroes nothing, and never by one that only compares.
  const { default: koffi } = await import('koffi');
  const native = koffi.load(null).func('int fallocate(int, int, int64_t, int64_t)') as unknown as Native;
  return (fd, mode, offsetBytes, lengthBytes) =>
    new Promise((resolve, reject) => {
      native.async(fd, FALLOCATE_MODES[mode], offsetBytes, lengthBytes, (error, result) => {
        if (error !== null && error !== undefined) reject(error as Error);
        else resolve(result === 0 ? 0 : koffi.errno());
      });
    });
}

let bound: Promise<Fallocate> | undefined;

/**
 * Calls fallocate(2) on an open descriptor, on a thread of its own; resolves with 0 or an errno. Node has no such call,
 * and a process for each run of zeros took longer than the rest of a flash (70 runs in a Debian disk).
 */
export const fallocate: Fallocate = async (...call) => {
  bound ??= bind();
  return (await bound)(...call);
};
