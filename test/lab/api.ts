/** The API as a lab admin uses it: plain fetch with a token. Types name only what the lab reads. */
import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';

export interface FlashJob {
  id: string;
  state: 'queued' | 'dispatched' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  epoch: number;
  created_at: string;
  error: { code: string; message: string } | null;
  progress: {
    stage: string;
    bytes_done: number;
    bytes_total: number | null;
    bytes_per_second: number;
    eta_seconds: number | null;
  } | null;
  result: { bytes_written: number; bytes_verified: number; duration_ms: number; peak_rss_bytes: number } | null;
  history: { at: string; state: string; stage: string | null; epoch: number }[];
}

export interface MachineRecord {
  mac: string;
  boot_policy: string;
  image: string | null;
  last_flashed_at: string | null;
  last_seen_at: string | null;
  agent_connected: boolean;
  inventory: { disks: { path: string; size_bytes: number }[]; firmware: string } | null;
  active_flash_job: { id: string; state: string } | null;
  last_flash_job: { id: string; state: string; error: { code: string } | null } | null;
}

export interface ImageRecord {
  name: string;
  state: string;
  size_bytes: number;
  sha256: string | null;
}

export class Api {
  readonly baseUrl: string;
  readonly #token: string;

  constructor(baseUrl: string, token: string) {
    this.baseUrl = baseUrl;
    this.#token = token;
  }

  /** Calls a route and returns its JSON; any status outside 2xx is thrown with the body that came with it. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async uploadImage(name: string, file: string): Promise<ImageRecord> {
    const response = await fetch(`${this.baseUrl}/images/${name}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/octet-stream',
        'content-length': String(statSync(file).size),
      },
      body: Readable.toWeb(createReadStream(file, { highWaterMark: 1 << 20 })),
      duplex: 'half',
    });
    if (!response.ok) throw new Error(`upload of ${name}: ${response.status} ${await response.text()}`);
    return (await response.json()) as ImageRecord;
  }

  putMachine(mac: string, fields: Record<string, unknown>): Promise<MachineRecord> {
    return this.call('PUT', `/machines/${mac}`, fields);
  }

  machine(mac: string): Promise<MachineRecord> {
    return this.call('GET', `/machines/${mac}`);
  }

  /** The machine's flash jobs, newest first. */
  flashJobs(mac: string): Promise<FlashJob[]> {
    return this.call('GET', `/flash-jobs?mac=${encodeURIComponent(mac)}`);
  }

  flashJob(id: string): Promise<FlashJob> {
    return this.call('GET', `/flash-jobs/${id}`);
  }
}
