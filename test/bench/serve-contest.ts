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
const WRITE_OUT = 'write-out="%{http_code} %{size_download}\\n"';

/** A curl of 20 connections that reads the whole file by ranges as often as there are readers, each from elsewhere. */
function curlConfig(url: string, sizeBytes: number): { text: string; ranges: number } {
  const count = Math.ceil(sizeBytes / RANGE_BYTES);
  const parts: string[] = [];
  for (let step = 0; step < count; step += 1) {
    for (let reader = 0; reader < READERS; reader += 1) {
      const first = ((step + Math.floor((reader * count) / READERS)) % count) * RANGE_BYTES;
      const range = `range=${first}-${Math.min(first + RANGE_BYTES, sizeBytes) - 1}`;
      parts.push(['silent', 'show-error', 'fail', WRITE_OUT, `url="${url}"`, range, 'output=/dev/null'].join('\n'));
    }
  }
  const all = `parallel\nparallel-max=${READERS}\nparallel-immediate\n${parts.join('\nnext\n')}\n`;
  return { text: all, ranges: parts.length };
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
      const { text, ranges } = curlConfig(url, pack.size_bytes);
      const config = join(bench.workDir, 'readers.curl');
      const output = bench.outputFile(tool, 0);
      writeFileSync(config, text);
      const run = await timedRun(['curl', '--config', config], output);
      const answers = readFileSync(output, 'utf8').trim().split('\n');
      const complete = answers.filter((line) => line.startsWith('206 ')).length;
      const bytes = answers.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
      problem =
        complete === ranges && bytes === READERS * pack.size_bytes ? undefined : `${complete} of ${ranges} ranges`;
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
