import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Run } from './contest.ts';
import type { OpenContest } from './flash-contest.ts';
import { timedRun } from './timed-run.ts';

export const PREPARE_OURS = 'bty, pack and map';
export const PREPARE_PEER = 'zstd -3 -T2';

/** Deriving pack and map of a raw image that has arrived, against compressing the same file. */
export function openPrepareContest(bench: Bench): OpenContest {
  const [raw, out] = [bench.imageFile('box.img'), join(bench.workDir, 'peer.zst')];
  const name = 'prepare.img';
  let packBytes = 0;
  const forget = async (): Promise<void> => {
    rmSync(out, { force: true });
    if (packBytes > 0) await bench.imageServer.api.call('DELETE', `/images/${name}`);
    packBytes = 0;
  };
  return {
    contestants: [
      {
        tool: PREPARE_OURS,
        run: async (): Promise<Run> => {
          const { seconds, image } = await bench.imageServer.prepare(name, raw);
          packBytes = image.pack?.size_bytes ?? 0;
          return { seconds };
        },
      },
      {
        tool: PREPARE_PEER,
        run: () => timedRun(['zstd', '-3', '-T2', '-q', '-f', raw, '-o', out], bench.outputFile(PREPARE_PEER, 0)),
      },
    ],
    reset: forget,
    judge: () => {
      const bytes = existsSync(out) ? statSync(out).size : packBytes;
      return bytes > 0 ? undefined : 'nothing was made';
    },
    close: () => rmSync(out, { force: true }),
  };
}
