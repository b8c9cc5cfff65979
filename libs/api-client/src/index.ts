import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type { components, paths } from './schema.js';

/** The body of every error of the server: `application/problem+json`. */
export type Problem = components['schemas']['Problem'];

/** The server's HTTP API, route by route: `api.GET('/machines/{mac}', { params: { path: { mac } } })`. */
export type BtyApi = Client<paths>;

/** Where the server is, and what a caller proves itself by. */
export interface ApiAccess {
  /** For instance `http://bty.lab.example:8080`. */
  readonly url: string;
  /** An API token, or the token of a login; without it, only the routes that are open to anyone answer. */
  readonly token?: string | undefined;
  /** Sends the requests in place of the global `fetch`. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

/** A typed client of the API. Its types are made from docs/openapi.json by `npm run openapi`. */
export function createApi({ url, token, fetch }: ApiAccess): BtyApi {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl: url.replace(/\/+$/, ''), headers, ...(fetch === undefined ? {} : { fetch }) });
}

/** An answer that is no success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    /** What the server says about it; undefined when the answer did not come from it. */
    readonly problem: Problem | undefined,
  ) {
    super(problem?.detail ?? `the server answered ${status}`);
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body;
}

/** What a call of the client has brought. Throws ApiError for an answer that is no success. */
export function dataOf<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  const { data, error, response } = answer;
  if (!response.ok) throw new ApiError(response.status, isProblem(error) ? error : undefined);
  return data as T;
}
