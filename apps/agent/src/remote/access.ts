import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ApiError, type BtyApi, createApi, dataOf } from '@bty/api-client';
import { BtyError, ERROR_CODE_NAMES } from '@bty/wire-types';
import { parseServer } from '../config.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A server, and what proves who asks it. */
export interface Access {
  server: string;
  token: string;
}

/** Where `bty login` keeps what it got, readable for its user alone. */
function accessFile(environment: Environment): string {
  const base = environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? '/root', '.config');
  return join(base, 'bty/login.json');
}

async function stored(environment: Environment): Promise<Partial<Access>> {
  const path = accessFile(environment);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Partial<Access>;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new BtyError('INVALID_REQUEST', `${path} cannot be read; bty login writes it anew`, { cause });
  }
}

/** Keeps an access for later calls. Returns the file. */
export async function keepAccess(access: Access, environment: Environment): Promise<string> {
  const path = accessFile(environment);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${JSON.stringify(access)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return path;
}

/** Forgets what was kept. */
export async function dropAccess(environment: Environment): Promise<void> {
  await rm(accessFile(environment), { force: true });
}

/** The server that is meant: a flag wins over `BTY_SERVER`, that over the last login. Throws `INVALID_REQUEST`. */
export async function serverOf(flag: string | undefined, environment: Environment): Promise<string> {
  const server = flag ?? environment.BTY_SERVER ?? (await stored(environment)).server;
  if (server !== undefined) return parseServer(server);
  throw new BtyError('INVALID_REQUEST', 'which server? Give --server or BTY_SERVER, or call bty login once');
}

/** Server and token: `BTY_API_TOKEN` wins over the last login at that server. Throws `INVALID_REQUEST`. */
export async function accessOf(flag: string | undefined, environment: Environment): Promise<Access> {
  const server = await serverOf(flag, environment);
  const kept = await stored(environment);
  const token = environment.BTY_API_TOKEN ?? (kept.server === server ? kept.token : undefined);
  if (token !== undefined && token !== '') return { server, token: token.trim() };
  throw new BtyError('UNAUTHENTICATED', `no token for ${server}: set BTY_API_TOKEN, or call bty login`);
}

/** The API of a server. */
export function apiOf({ server, token }: { server: string; token?: string | undefined }): BtyApi {
  return createApi({ url: server, token });
}

function failureOf(thrown: unknown, server: string): unknown {
  if (!(thrown instanceof Error)) return thrown;
  if (thrown.name === 'ApiError') {
    const { status, problem } = thrown as ApiError;
    const code = ERROR_CODE_NAMES.find((known) => known === problem?.code) ?? 'INTERNAL';
    return new BtyError(code, thrown.message, { cause: thrown, details: { ...problem?.details, status } });
  }
  if (thrown instanceof TypeError && thrown.message === 'fetch failed') {
    const why = (thrown.cause as Error | undefined)?.message ?? thrown.message;
    return new BtyError('UNAVAILABLE', `${server} does not answer: ${why}`, { cause: thrown });
  }
  return thrown;
}

/** What a call of the API has brought. Throws a BtyError that says what the server said, `UNAVAILABLE` when it said nothing. */
export async function answered<T>(
  server: string,
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  try {
    return dataOf(await call);
  } catch (thrown) {
    throw failureOf(thrown, server);
  }
}
