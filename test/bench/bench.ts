/** Where a bench runs: the servers, the images, and the memory that disks lie in. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../lab/process.ts';
import { FileServer } from './file-server.ts';
import type { Sources } from './flash-tools.ts';
import { ImageServer } from './image-server.ts';

export interface BenchOptions {
  /** Folder of the image files. */
  imagesDir: string;
  /** Python with the upstream tool. */
  python: string;
  tell(line: string): void;
}

export class Bench {
  readonly workDir = mkdtempSync(join(tmpdir(), 'bty-bench-'));
  /** A tmpfs of this bench alone. */
  readonly memoryDir = join(this.workDir, 'memory');
  readonly imageServer: ImageServer;
  readonly fileServer: FileServer;
  readonly tell: (line: string) => void;
  readonly #options: BenchOptions;
  readonly #prepared = new Map<string, number>();
  #runs = 0;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.tell = options.tell;
    mkdirSync(this.memoryDir);
    run('mount', '-t', 'tmpfs', '-o', 'size=95%', 'tmpfs', this.memoryDir);
    // names of network namespaces, which only this bench shall see
    mkdirSync('/run/netns', { recursive: true });
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
    run('ip', 'link', 'set', 'lo', 'up');
    this.imageServer = new ImageServer(this.workDir, 8080);
    this.fileServer = new FileServer(this.workDir, {
      images: options.imagesDir,
      packs: join(this.imageServer.stateDir, 'packs'),
    });
  }

  async ready(): Promise<void> {
    await Promise.all([this.imageServer.ready(), this.fileServer.ready()]);
  }

  imageFile(name: string): string {
    return join(this.#options.imagesDir, name);
  }

  /** Puts an image on bty's server once; the seconds of its preparation are printed apart from every flash. */
  async offer(name: string): Promise<void> {
    if (this.#prepared.has(name)) return;
    const { seconds } = await this.imageServer.prepare(name, this.imageFile(name));
    this.#prepared.set(name, seconds);
    this.tell(`preparing ${name}: ${seconds.toFixed(2)} s`);
  }

  sources(address: string, scratch: string): Sources {
    return {
      folder: this.#options.imagesDir,
      files: this.fileServer.url(address, 'images'),
      server: this.imageServer.url(address),
      scratch,
      python: this.#options.python,
    };
  }

  outputFile(tool: string, machine: number): string {
    this.#runs += 1;
    return join(
      this.workDir,
      `${String(this.#runs).padStart(4, '0')}-${tool.replace(/[^a-z0-9]+/g, '-')}-${machine}.log`,
    );
  }

  clearMemory(): void {
    for (const name of readdirSync(this.memoryDir)) rmSync(join(this.memoryDir, name), { recursive: true });
  }

  /** Bytes that disks may take without the machine running short. */
  freeMemoryBytes(): number {
    const kib = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return Number(kib) * 1024;
  }

  async stop({ keep = false } = {}): Promise<void> {
    await Promise.all([this.imageServer.stop(), this.fileServer.stop()]);
    run('umount', this.memoryDir);
    if (!keep) rmSync(this.workDir, { recursive: true });
  }
}
