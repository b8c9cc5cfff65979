import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Run } from './contest.ts';
import type { OpenContest } from './flash-contest.ts';
import { ImageServer } from './image-server.ts';
import { timedRun } from './timed-run.ts';

export const PREPARE_OURS = 'bty, pack and map';
export const PREPARE_PEER = 'zstd -3 -T2';

const PORT = 8082;

/**
 * Deriving pack and map of a raw image that has arrived, against compressing the same file. Both write to memory: ours
 * waits until its files are on the medium, the peer does not, and what a disk takes for that is not what is compared.
 */
export async function openPrepareContest(bench: Bench): Promise<OpenContest> {
  const folder = join(bench.memoryDir, 'prepare');
  mkdirSync(folder);
  const server = new ImageServer(folder, PORT);
  const [raw, out] = [bench.imageFile('box.img'), join(folder, 'peer.zst')];
  const name = 'prepare.img';
  let packBytes = 0;
  const close = async (): Promise<void> => {
    await server.stop();
    bench.clearMemory();
  };
  try {
    await server.ready();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    contestants: [
      {
        tool: PREPARE_OURS,
        run: async (): Promise<Run> => {
          const { seconds, image } = await server.prepare(name, raw);
          packBytes = image.pack?.size_bytes ?? 0;
          return { seconds };
        },
      },
      {
        tool: PREPARE_PEER,
        run: () => timedRun(['zstd', '-3', '-T2', '-q', '-f', raw, '-o', out], bench.outputFile(PREPARE_PEER, 0)),
      },
    ],
    reset: async () => {
      rmSync(out, { force: true });
      if (packBytes > 0) await server.api.call('DELETE', `/images/${name}`);
      packBytes = 0;
    },
    judge: () => {
      const bytes = existsSync(out) ? statSync(out).size : packBytes;
      return bytes > 0 ? undefined : 'nothing was made';
    },
    close,
  };
}
