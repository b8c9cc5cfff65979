import type { ChildProcess } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, start, stop } from '../lab/process.ts';

const PORT = 8081;

const config = (folder: string, root: string): string => `
user root;
worker_processes auto;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  server {
    listen ${PORT};
    root ${root};
  }
}
`;

/** nginx as Debian ships it, with sendfile, one worker per core: what the peers download from. */
export class FileServer {
  readonly #root: string;
  readonly #process: ChildProcess;

  /** Serves the files of the given folders; what belongs to the server itself goes to `workDir`. */
  constructor(workDir: string, folders: Readonly<Record<string, string>>) {
    const folder = join(workDir, 'nginx');
    this.#root = join(folder, 'root');
    mkdirSync(this.#root, { recursive: true });
    for (const [name, path] of Object.entries(folders)) symlinkSync(path, join(this.#root, name));
    writeFileSync(join(folder, 'nginx.conf'), config(folder, this.#root));
    this.#process = start(['nginx', '-c', join(folder, 'nginx.conf')], { logFile: join(folder, 'output.log') });
  }

  /** The address of a served folder as seen over a link. */
  url(address: string, folder: string): string {
    return `http://${address}:${PORT}/${folder}`;
  }

  async ready(): Promise<void> {
    await eventually('nginx answers', 10_000, async () => {
      try {
        return (await fetch(`http://127.0.0.1:${PORT}/`)).status > 0;
      } catch {
        return false; // it does not listen yet
      }
    });
  }

  async stop(): Promise<void> {
    await stop(this.#process);
  }
}
