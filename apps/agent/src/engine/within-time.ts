import { BtyError } from '@bty/wire-types';

/**
 * Waits for an operation of the kernel at most `timeoutMs`, then throws `DISK_IO`. A dying disk can hold a system call
 * for ever; the call cannot be taken back, but nobody has to wait for it.
 */
export async function withinTime<T>(operation: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const seconds = Math.round(timeoutMs / 1000);
      reject(new BtyError('DISK_IO', `${what}: no answer within ${seconds} s`, { details: { errno: 'ETIMEDOUT' } }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([operation, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
