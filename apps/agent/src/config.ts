import { BtyError, LIVE_ENV_MODES, type LiveEnvMode, type MacAddress, parseMacAddress } from '@bty/wire-types';

/** Flags of `bty agent`, as given. */
export interface AgentFlags {
  server?: string;
  mac?: string;
  mode?: string;
  token?: string;
  stateDir?: string;
  disk?: string[];
}

/** What the agent works with. */
export interface AgentConfig {
  /** `http(s)://host[:port][/path]`, without a trailing slash. */
  serverUrl: string;
  mac: MacAddress;
  mode: LiveEnvMode;
  bootToken: string | undefined;
  stateDir: string;
  /** Terminals for the screen. */
  consoles: string[];
  /** When not empty: the only block devices that are looked at. */
  onlyDisks: string[];
  /** Where programs are looked for (`PATH`). */
  searchPath: string;
  /** The kernel was started by bty: only then are the clock, the firmware and the machine itself touched. */
  liveEnv: boolean;
}

const STATE_DIR = '/run/bty';

function kernelArguments(commandLine: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const word of commandLine.trim().split(/\s+/)) {
    const equals = word.indexOf('=');
    if (equals > 0) found.set(word.slice(0, equals), word.slice(equals + 1));
  }
  return found;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function invalid(name: string, problem: string): BtyError {
  const spellings = `--${name}, BTY_${name.toUpperCase()} or bty.${name} on the kernel command line`;
  return new BtyError('INVALID_REQUEST', `${problem} (${spellings})`);
}

/** The address of a server, without a trailing slash. Throws `INVALID_REQUEST`. */
export function parseServer(text: string | undefined): string {
  if (text === undefined || text === '') throw invalid('server', 'the server is not given');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw invalid('server', `the server must be a URL like http://10.0.0.1:8080, not ${JSON.stringify(text)}`);
  }
  return url.href.replace(/\/+$/, '');
}

/** A MAC address in its usual form. Throws `INVALID_REQUEST`. */
export function parseMac(text: string | undefined): MacAddress {
  if (text === undefined || text === '') throw invalid('mac', 'the MAC address is not given');
  const mac = parseMacAddress(text);
  if (mac === undefined) throw invalid('mac', `not a MAC address: ${JSON.stringify(text)}`);
  return mac;
}

function parseMode(text: string | undefined): LiveEnvMode {
  const mode = LIVE_ENV_MODES.find((known) => known === (text ?? 'tui'));
  if (mode === undefined) throw invalid('mode', `the mode must be ${LIVE_ENV_MODES.join(' or ')}, not ${text}`);
  return mode;
}

function parseToken(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[A-Za-z0-9_-]{20,128}$/.test(text)) throw invalid('token', 'the boot token is not well-formed');
  return text;
}

/** Puts the settings together: a flag wins over the environment, that over the kernel command line. */
export function parseAgentConfig(
  flags: AgentFlags,
  env: Readonly<Record<string, string | undefined>>,
  commandLine: string,
): AgentConfig {
  const kernel = kernelArguments(commandLine);
  const setting = (name: 'server' | 'mac' | 'mode' | 'token'): string | undefined =>
    flags[name] ?? env[`BTY_${name.toUpperCase()}`] ?? kernel.get(`bty.${name}`);
  return Object.freeze({
    serverUrl: parseServer(setting('server')),
    mac: parseMac(setting('mac')),
    mode: parseMode(setting('mode')),
    bootToken: parseToken(setting('token')),
    stateDir: flags.stateDir ?? env.BTY_AGENT_STATE_DIR ?? STATE_DIR,
    consoles: words(env.BTY_CONSOLES),
    onlyDisks: flags.disk ?? words(env.BTY_DISKS),
    searchPath: env.PATH ?? '',
    liveEnv: kernel.has('bty.server'),
  });
}

/** The environment of this process; nothing else reads it. */
export const processEnvironment: Readonly<Record<string, string | undefined>> = process.env;
