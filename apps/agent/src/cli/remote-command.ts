import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BtyApi, components } from '@bty/api-client';
import { BtyError } from '@bty/wire-types';
import { accessOf, dropAccess, keepAccess, serverOf } from '../remote/access.js';
import { answered, apiOf } from '../remote/api.js';
import { pushImage } from '../remote/push-image.js';
import { parseSelector } from '../remote/select-machines.js';
import { type FlashJob, isProved, jobLine, waitForJobs } from '../remote/watch-jobs.js';
import { humanBytes } from '../screen/render.js';
import { type ProgramPorts, usage } from './command-ports.js';
import { printable } from './describe.js';
import { envelope, orTellFailure } from './envelope.js';
import { EXIT_CODES } from './exit-code.js';

type Machine = components['schemas']['MachineDto'];

interface ServerFlags {
  server?: string;
  json?: true;
}

/** Flags of `bty login`, as given. */
export interface LoginFlags extends ServerFlags {
  user: string;
}

/** Flags of `bty machines`, as given. */
export interface MachinesFlags extends ServerFlags {
  tag?: string[];
}

/** Flags of `bty jobs`, as given. */
export interface JobsFlags extends ServerFlags {
  mac?: string;
  limit: string;
}

/** Flags of `bty reflash`, as given. */
export interface ReflashFlags extends ServerFlags {
  image?: string;
  verify: 'full' | 'written';
  wait?: true;
}

/** Flags of `bty images push`, as given. */
export interface PushFlags extends ServerFlags {
  name?: string;
  replace?: true;
  wait?: true;
}

interface Remote {
  api: BtyApi;
  server: string;
  token: string;
}

async function remoteOf({ server }: ServerFlags, { environment }: ProgramPorts): Promise<Remote> {
  const access = await accessOf(server, environment);
  return { ...access, api: apiOf(access) };
}

function print(flags: ServerFlags, ports: ProgramPorts, document: string, lines: readonly string[]): void {
  ports.stdout(flags.json === true ? `${document}\n` : lines.map((line) => `${printable(line)}\n`).join(''));
}

/** Carries out `bty login`. */
export async function loginCommand(flags: LoginFlags, ports: ProgramPorts): Promise<void> {
  const server = await serverOf(flags.server, ports.environment);
  const password = await ports.secret(`Password of ${flags.user} at ${server}: `);
  const body = { username: flags.user, password };
  const login = await answered(server, apiOf({ server }).POST('/auth/login', { body }));
  const path = await keepAccess({ server, token: login.token }, ports.environment);
  ports.stderr(`logged in as ${login.name} (${login.role}) until ${login.expires_at}; kept in ${path}\n`);
}

/** Carries out `bty logout`. The login is forgotten here whether the server answers or not. */
export async function logoutCommand(ports: ProgramPorts): Promise<void> {
  const access = await accessOf(undefined, { ...ports.environment, BTY_API_TOKEN: undefined });
  await dropAccess(ports.environment);
  await answered(access.server, apiOf(access).POST('/auth/logout'));
}

/** Carries out `bty machines`. */
export function machinesCommand(flags: MachinesFlags, ports: ProgramPorts): Promise<void> {
  return orTellFailure('machines', flags, ports, async () => {
    const { api, server } = await remoteOf(flags, ports);
    const machines = await listMachines(api, server, flags.tag);
    const lines = machines.map(({ mac, hostname, state, boot_policy, image, tags }) =>
      [mac, (hostname ?? '-').padEnd(16), state.padEnd(10), boot_policy.padEnd(5), image ?? '-', ...tags].join('  '),
    );
    print(flags, ports, envelope('machines', { machines }), lines.length === 0 ? ['no machines'] : lines);
  });
}

/** Carries out `bty jobs`. */
export function jobsCommand(flags: JobsFlags, ports: ProgramPorts): Promise<void> {
  return orTellFailure('jobs', flags, ports, async () => {
    const limit = Number(flags.limit);
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw usage('--limit must be a number from 1 to 1000');
    const { api, server } = await remoteOf(flags, ports);
    const query = { limit, ...(flags.mac === undefined ? {} : { mac: flags.mac }) };
    const jobs = await answered(server, api.GET('/flash-jobs', { params: { query } }));
    const lines = jobs.map((job) => `${job.created_at}  ${jobLine(job)}`);
    print(flags, ports, envelope('jobs', { jobs }), lines.length === 0 ? ['no jobs'] : lines);
  });
}

async function listMachines(api: BtyApi, server: string, tags: string[] | undefined): Promise<Machine[]> {
  const query = { limit: 1000, ...(tags === undefined ? {} : { tag: tags }) };
  return answered(server, api.GET('/machines', { params: { query } }));
}

type FlashOrder = components['schemas']['FlashOrderDto'];
type Refusal = { mac: string; code: string; message: string };
type Whom = Pick<components['schemas']['FlashJobPost'], 'mac' | 'selector'>;

/** Whom an order is for, as the server takes it. Throws `NOT_FOUND` for a hostname that no record has. */
async function whomOf(text: string, { api, server }: Remote): Promise<Whom> {
  const selector = parseSelector(text);
  if (selector.kind === 'mac') return { mac: selector.mac };
  if (selector.kind === 'tags') return { selector: { tags: selector.tags } };
  const machines = await listMachines(api, server, undefined);
  const macs = machines.filter(({ hostname }) => hostname === selector.hostname).map(({ mac }) => mac);
  const [mac] = macs;
  if (mac === undefined) throw new BtyError('NOT_FOUND', `${server} has no machine ${text}`);
  return macs.length === 1 ? { mac } : { selector: { macs } };
}

function resultsOf(made: FlashJob | FlashOrder): { jobs: FlashJob[]; refused: Refusal[] } {
  if (!('results' in made)) return { jobs: [made], refused: [] };
  const jobs = made.results.flatMap(({ job }) => job ?? []);
  const refused = made.results.flatMap(({ mac, problem }) => (problem === null ? [] : { mac, ...problem }));
  return { jobs, refused };
}

/** Orders the flash of all machines at once; those that cannot be ordered are told, and the others go on. */
async function order(whom: Whom, flags: ReflashFlags, { api, server }: Remote, ports: ProgramPorts) {
  const body = { ...whom, verify: flags.verify, ...(flags.image === undefined ? {} : { image: flags.image }) };
  const made = await answered(server, api.POST('/flash-jobs', { body }))
    .then(resultsOf)
    .catch((error: unknown) => {
      const results = error instanceof BtyError ? error.details.results : undefined;
      if (!Array.isArray(results)) throw error;
      return { jobs: [], refused: results as Refusal[] };
    });
  for (const { mac, code, message } of made.refused) {
    ports.stderr(`${printable(`${mac}  not ordered  ${code}: ${message}`)}\n`);
  }
  return made;
}

/** Carries out `bty reflash`. With `--wait`, anything but every machine flashed and verified is exit code 1. */
export function reflashCommand(machines: string, flags: ReflashFlags, ports: ProgramPorts): Promise<void> {
  const found: Record<string, unknown> = {};
  const work = async (): Promise<void> => {
    const remote = await remoteOf(flags, ports);
    const tell = (line: string): void => ports.stderr(`${printable(line)}\n`);
    const { jobs, refused } = await order(await whomOf(machines, remote), flags, remote, ports);
    found.jobs = jobs;
    found.refused = refused;
    for (const job of jobs) tell(jobLine(job));
    const watch = { api: remote.api, server: remote.server, tell, signal: ports.stop };
    const ended = flags.wait === true ? await waitForJobs(jobs, watch) : jobs;
    found.jobs = ended;
    if (refused.length > 0 || (flags.wait === true && !ended.every(isProved))) ports.exitWith(EXIT_CODES.failed);
    if (flags.json === true) ports.stdout(`${envelope('reflash', found)}\n`);
  };
  return orTellFailure('reflash', flags, ports, work, found);
}

const READY_PAUSE_MS = 1000;

/** Waits until the server has prepared an image. Throws what is wrong with it. */
async function untilReady(name: string, { api, server }: Remote, stop: AbortSignal): Promise<void> {
  for (;;) {
    const image = await answered(server, api.GET('/images/{name}/info', { params: { path: { name } } }));
    if (image.state === 'ready') return;
    if (image.error !== null) throw new BtyError(image.error.code, image.error.message);
    await sleep(READY_PAUSE_MS, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
  }
}

/** The ETag of the image that is to be replaced; undefined when there is none. */
async function etagOf(name: string, { api, server }: Remote): Promise<string | undefined> {
  const found = await answered(server, api.GET('/images/{name}/info', { params: { path: { name } } })).catch(
    (error: unknown) => {
      if (error instanceof BtyError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    },
  );
  return found?.sha256 == null ? undefined : `"${found.sha256}"`;
}

/** Carries out `bty images push`. */
export function pushCommand(file: string, flags: PushFlags, ports: ProgramPorts): Promise<void> {
  return orTellFailure('images-push', flags, ports, async () => {
    const remote = await remoteOf(flags, ports);
    const name = flags.name ?? basename(file);
    const replaces = flags.replace === true ? await etagOf(name, remote) : undefined;
    let shown = '';
    const image = await pushImage(
      remote,
      { path: file, name, replaces },
      (step, done, total) => {
        const line = `${step} ${Math.floor((done / total) * 100)} % of ${humanBytes(total)}`;
        if (ports.terminal && line !== shown) ports.stderr(`\r\x1b[K${line}`);
        shown = line;
      },
      ports.stop,
    ).finally(() => ports.terminal && ports.stderr('\r\x1b[K'));
    if (flags.wait === true) await untilReady(name, remote, ports.stop);
    const lines = [
      `${name}  ${humanBytes(Number(image.size_bytes))}  ${flags.wait === true ? 'ready' : String(image.state)}`,
    ];
    print(flags, ports, envelope('images-push', { image }), lines);
  });
}
