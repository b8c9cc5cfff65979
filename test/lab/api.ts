/** The API as a lab admin uses it: plain HTTP with a token. Types name only what the lab reads. */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { eventually } from './process.ts';

export interface FlashJob {
  id: string;
  state: 'queued' | 'dispatched' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  epoch: number;
  created_at: string;
  finished_at: string | null;
  error: { code: string; message: string } | null;
  progress: {
    stage: string;
    bytes_done: number;
    bytes_total: number | null;
    bytes_per_second: number;
    eta_seconds: number | null;
  } | null;
  result: {
    bytes_fetched: number;
    bytes_written: number;
    bytes_skipped: number;
    bytes_zeroed: number;
    bytes_verified: number;
    strategy: string;
    bottleneck: string;
    duration_ms: number;
    peak_rss_bytes: number;
  } | null;
  check_result: { equal: boolean; differing_share: number; partitions: { number: number; name?: string }[] } | null;
  history: { at: string; state: string; stage: string | null; epoch: number }[];
}

export interface MachineRecord {
  mac: string;
  boot_policy: string;
  image: string | null;
  last_flashed_at: string | null;
  last_seen_at: string | null;
  booted_at: string | null;
  booted_ip: string | null;
  agent_connected: boolean;
  inventory: { disks: { path: string; size_bytes: number }[]; firmware: string } | null;
  active_flash_job: { id: string; state: string } | null;
  last_flash_job: { id: string; state: string; error: { code: string } | null } | null;
}

/** One execution of a workflow. */
export interface Run {
  id: string;
  state: 'queued' | 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';
  flash_job_id: string | null;
  workflow_digest: string;
  address: string | null;
  baseline: number | null;
  error: { code: string; message: string } | null;
  report: { path: string; size_bytes: number }[] | null;
  history: { at: string; state: string; message: string | null }[];
  started_at: string | null;
  finished_at: string | null;
}

export interface Baseline {
  version: number;
  run_id: string;
  image_sha256: string | null;
  workflow_digest: string;
  recorded_at: string;
  facts: Record<string, Record<string, string>>;
}

export interface Drift {
  drifted: boolean;
  differences: { section: string; name: string; before: string | null; after: string | null }[];
  text: string;
}

export interface ImageRecord {
  name: string;
  state: string;
  size_bytes: number;
  sha256: string | null;
  pack: { path: string; size_bytes: number } | null;
  error: { code: string; message: string } | null;
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
    return this.#send<T>(
      method,
      path,
      'application/json',
      body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    );
  }

  uploadImage(name: string, file: string): Promise<ImageRecord> {
    const size = statSync(file).size;
    const bytes = createReadStream(file, { highWaterMark: 1 << 20 });
    return this.#send('PUT', `/images/${name}`, 'application/octet-stream', bytes, size);
  }

  /** Uploads an image and waits until it can be flashed. */
  async uploadReady(name: string, file: string): Promise<void> {
    await this.uploadImage(name, file);
    await this.imageReady(name);
  }

  /** Waits until an image can be flashed; throws when it never will be. */
  async imageReady(name: string): Promise<void> {
    await eventually(`${name} is ready`, 120_000, async () => {
      const { state, error } = await this.image(name);
      if (state === 'failed' || state === 'unsupported') throw new Error(`${name} is ${state}: ${error?.message}`);
      return state === 'ready';
    });
  }

  /** One connection per request: stories block this process for seconds, in which the server closes an idle one. */
  async #send<T>(method: string, path: string, type: string, body?: Buffer | Readable, bytes?: number): Promise<T> {
    const answer = await text(await this.#ask(method, path, type, body, bytes));
    return (answer === '' ? undefined : JSON.parse(answer)) as T;
  }

  async #ask(
    method: string,
    path: string,
    type: string,
    body?: Buffer | Readable,
    bytes?: number,
  ): Promise<IncomingMessage> {
    const length = body instanceof Buffer ? body.length : bytes;
    const outgoing = request(`${this.baseUrl}${path}`, {
      method,
      agent: false,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': type, 'content-length': String(length) }),
      },
    });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    await Promise.all([pipeline(Readable.from(body ?? []), outgoing), answered]);
    const [response] = await answered;
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${await text(response)}`);
    return response;
  }

  image(name: string): Promise<ImageRecord> {
    return this.call('GET', `/images/${name}/info`);
  }

  /** Puts a workflow that is one YAML; it is checked and can be run then. */
  async putWorkflow(name: string, yaml: string): Promise<void> {
    // On a busy host the server answers before its worker has looked; the same workflow again asks how far that is.
    await eventually(`the workflow ${name} is checked`, 180_000, async () => {
      const { state } = await this.#send<{ state: string }>(
        'PUT',
        `/workflows/${name}`,
        'application/yaml',
        Buffer.from(yaml),
      );
      return state === 'ready';
    });
  }

  /** Something that is no JSON. */
  async text(path: string): Promise<string> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      headers: { authorization: `Bearer ${this.#token}`, connection: 'close' },
    });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.text();
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

  /** The machine's runs, newest first. */
  runs(mac: string): Promise<Run[]> {
    return this.call('GET', `/runs?mac=${encodeURIComponent(mac)}`);
  }

  run(id: string): Promise<Run> {
    return this.call('GET', `/runs/${id}`);
  }

  /** The lines of a run's log, each as soon as the server sends it, until the run is over. */
  async *runLog(id: string): AsyncGenerator<string> {
    yield* createInterface({ input: await this.#ask('GET', `/runs/${id}/log?follow=true`, 'text/plain') });
  }

  baseline(mac: string): Promise<Baseline> {
    return this.call('GET', `/machines/${mac}/baseline`);
  }

  /** Has the machine compared with its baseline. */
  drift(mac: string): Promise<Drift> {
    return this.call('POST', `/machines/${mac}/drift`);
  }

  flashJob(id: string): Promise<FlashJob> {
    return this.call('GET', `/flash-jobs/${id}`);
  }
}
