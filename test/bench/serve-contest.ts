import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Contestant } from './contest.ts';
import type { OpenContest } from './flash-contest.ts';
import { timedRun } from './timed-run.ts';

export const SERVE_OURS = 'bty, packs';
export const SERVE_PEER = 'nginx';

const READERS = 20;
const RANGE_BYTES = 4 << 20;
const RANGES_EACH = 24;
const RANGES = READERS * RANGES_EACH;
const COMPLETE = `206 ${RANGE_BYTES}`;
const WRITE_OUT = 'write-out="%{http_code} %{size_download}\\n"';

/** A curl of 20 connections, each of which reads its part of the file's ranges in order, from a place of its own. */
function curlConfig(url: string, sizeBytes: number): string {
  const count = Math.floor(sizeBytes / RANGE_BYTES);
  const parts: string[] = [];
  for (let step = 0; step < RANGES_EACH; step += 1) {
    for (let reader = 0; reader < READERS; reader += 1) {
      const first = ((step + Math.floor((reader * count) / READERS)) % count) * RANGE_BYTES;
      const range = `range=${first}-${first + RANGE_BYTES - 1}`;
      parts.push(['silent', 'show-error', 'fail', WRITE_OUT, `url="${url}"`, range, 'output=/dev/null'].join('\n'));
    }
  }
  return `parallel\nparallel-max=${READERS}\nparallel-immediate\n${parts.join('\nnext\n')}\n`;
}

/** Serving a pack to 20 readers at once that ask for ranges of it, against nginx on the same file. */
export async function openServeContest(bench: Bench): Promise<OpenContest> {
  await bench.offer('box.img.zst');
  const { pack } = await bench.imageServer.api.image('box.img.zst');
  if (pack === null) throw new Error('box.img.zst has no pack');
  let problem: string | undefined;
  const reader = (tool: string, url: string): Contestant => ({
    tool,
    run: async () => {
      const config = join(bench.workDir, 'readers.curl');
      const output = bench.outputFile(tool, 0);
      writeFileSync(config, curlConfig(url, pack.size_bytes));
      const run = await timedRun(['curl', '--config', config], output);
      const complete = readFileSync(output, 'utf8')
        .split('\n')
        .filter((line) => line === COMPLETE).length;
      problem = complete === RANGES ? undefined : `${complete} of ${RANGES} ranges`;
      return run;
    },
  });
  return {
    contestants: [
      reader(SERVE_OURS, `${bench.imageServer.url('127.0.0.1')}${pack.path}`),
      reader(SERVE_PEER, `${bench.fileServer.url('127.0.0.1', 'packs')}/${pack.path.split('/').at(-1)}`),
    ],
    reset: async () => undefined,
    judge: () => problem,
    close: () => undefined,
  };
}
