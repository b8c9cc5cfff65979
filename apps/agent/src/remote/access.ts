import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { parseServer } from '../config.js';
import { type ImageAccess, NO_ACCESS, onlyAt } from '../source/image-access.js';
import { isUrl } from '../source/open-image.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A server, and what proves who asks it. */
export interface Access {
  server: string;
  token: string;
}

/** Where `bty login` keeps what it got, readable for its user alone. */
function accessFile(environment: Environment): string {
  const base = environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), '.config');
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

/**
 * What is shown to servers whose images are read: `BTY_API_TOKEN` to that of the flag or of `BTY_SERVER`, the last login to
 * its own; to any other nothing. Throws `INVALID_REQUEST`.
 */
export async function imageAccessOf(flag: string | undefined, environment: Environment): Promise<ImageAccess> {
  const kept = await stored(environment);
  const meant = flag ?? environment.BTY_SERVER ?? kept.server;
  const shown = [
    { server: meant && parseServer(meant), token: environment.BTY_API_TOKEN?.trim() || undefined },
    kept,
  ].flatMap(({ server, token }) => (server && token ? [onlyAt(server, () => token)] : []));
  const login = environment.SUDO_USER === undefined ? 'bty login' : 'sudo bty login';
  return {
    authorization: (url) => shown.reduce<string | undefined>((found, ask) => found ?? ask(url), undefined),
    advice: (origin) => `Log in: ${login} --server ${origin} --user NAME; or set BTY_SERVER and BTY_API_TOKEN.`,
  };
}

/** The same for an image by path or URL. */
export async function imageAccessFor(image: string, environment: Environment): Promise<ImageAccess> {
  return isUrl(image) ? imageAccessOf(undefined, environment) : NO_ACCESS;
}
