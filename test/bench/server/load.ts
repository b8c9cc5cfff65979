/** A steady stream of requests: each begins when it is due, whether or not those before it have been answered. */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request. */
export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** The status that counts as an answer. */
  readonly expects: number;
}

/** What came of a load. Times are milliseconds, from when a request was due until its answer was read whole. */
export interface LoadResult {
  readonly latencies: readonly number[];
  readonly failures: readonly string[];
  readonly perSecond: number;
}

const MAX_SOCKETS = 128;
const REQUEST_TIMEOUT_MS = 10_000;
/** How late the answers of the last requests may be. */
const PATIENCE_MS = 15_000;

/** Where requests go. */
export interface LoadTarget {
  readonly port: number;
  readonly token: string;
}

function ask(target: LoadTarget, agent: http.Agent, request: LoadRequest): Promise<string | undefined> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers: Record<string, string> = {
    Authorization: `Bearer ${target.token}`,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }),
  };
  const where = { host: '127.0.0.1', port: target.port, method: request.method, path: request.path };
  return new Promise((resolve) => {
    const sent = http.request({ ...where, headers, agent, timeout: REQUEST_TIMEOUT_MS }, (response) => {
      response.on('error', (error) => resolve(error.message));
      response.on('end', () =>
        resolve(
          response.statusCode === request.expects
            ? undefined
            : `${request.method} ${request.path} answered ${response.statusCode}`,
        ),
      );
      response.resume();
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (error) => resolve(error.message));
    sent.end(body);
  });
}

/** Sends `rate` requests a second for so many seconds. `next` makes each of them. */
export async function applyLoad(
  target: LoadTarget,
  rate: number,
  seconds: number,
  next: (index: number) => LoadRequest,
): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const latencies: number[] = [];
  const failures: string[] = [];
  const under = new Set<Promise<void>>();
  const total = rate * seconds;
  const began = performance.now();
  for (let index = 0; index < total; index += 1) {
    const dueMs = began + (index * 1000) / rate;
    const early = dueMs - performance.now();
    if (early > 1) await sleep(early);
    const one = ask(target, agent, next(index)).then((problem) => {
      latencies.push(performance.now() - dueMs);
      if (problem !== undefined) failures.push(problem);
      under.delete(one);
    });
    under.add(one);
  }
  await Promise.race([Promise.all(under), sleep(PATIENCE_MS, undefined, { ref: false })]);
  const perSecond = latencies.length / ((performance.now() - began) / 1000);
  for (let lost = under.size; lost > 0; lost -= 1) failures.push('no answer');
  agent.destroy();
  return { latencies, failures, perSecond };
}
