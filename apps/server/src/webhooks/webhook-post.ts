import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const TIMEOUT_MS = 10_000;

/** The answer of a receiver, or why there is none. */
export interface PostOutcome {
  readonly status: number | null;
  /** Undefined when the receiver has taken it: any status of 200 to 299. */
  readonly problem: string | undefined;
}

/**
 * Posts a body. A redirect is not followed: it would take the body to where nobody has sent it. What the receiver answers
 * beside its status is thrown away. It has ten seconds.
 */
export async function postJson(
  url: string,
  body: string,
  headers: Record<string, string>,
  stop: AbortSignal,
): Promise<PostOutcome> {
  const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]);
  const all = { 'content-type': 'application/json', 'user-agent': 'bty-webhook', ...headers };
  return new Promise((resolve) => {
    const failed = (error: Error) => {
      const problem = signal.aborted && !stop.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : error.message;
      resolve({ status: null, problem });
    };
    const request = send(url, { method: 'POST', headers: all, agent: false, signal }, (response) => {
      const status = response.statusCode ?? 0;
      response.on('error', () => undefined);
      response.destroy();
      resolve({ status, problem: status >= 200 && status < 300 ? undefined : `the receiver answered ${status}` });
    });
    request.on('error', failed);
    request.end(body);
  });
}
