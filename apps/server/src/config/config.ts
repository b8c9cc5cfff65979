import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { nearestName } from './nearest-name.js';
import {
  addressOf,
  baseUrl,
  kernelArguments,
  networks,
  oneOf,
  password,
  plainText,
  type Setting,
  SettingError,
  wholeNumber,
} from './setting.js';

const GIB = 1024 ** 3;

/** Every setting of the server. The table of the documentation is made from this. */
export const SETTINGS = {
  BTY_STATE_DIR: {
    says: 'Directory of everything that the server keeps.',
    otherwise: '`.bty` in a checkout, else `/var/lib/bty`',
    parse: plainText,
  },
  BTY_IMAGE_ROOT: { says: 'Directory of the images.', otherwise: '`$BTY_STATE_DIR/images`', parse: plainText },
  BTY_BOOT_DIR: {
    says: 'Directory of the live env: `vmlinuz` and `base.initrd`.',
    otherwise: '`$BTY_STATE_DIR/boot`',
    parse: plainText,
  },
  BTY_CIJOE_DIR: {
    says: 'Python environment in which cijoe is installed.',
    otherwise: '`dist/cijoe` beside the server, which `script/server` makes',
    parse: plainText,
  },
  BTY_HTTP_HOST: { says: 'Address to listen on.', otherwise: 'all addresses', parse: plainText },
  BTY_HTTP_PORT: {
    says: 'Port to listen on; 0 takes a free one.',
    otherwise: '8080',
    parse: wholeNumber(0, 65_535),
  },
  BTY_TLS_CERT: {
    says: 'File with the certificate and its chain, PEM. With it, credentials are taken over TLS only.',
    otherwise: 'no TLS',
    parse: plainText,
  },
  BTY_TLS_KEY: { says: 'File with the key of the certificate, PEM.', otherwise: 'no TLS', parse: plainText },
  BTY_HTTPS_PORT: {
    says: 'Port to listen on for TLS; 0 takes a free one.',
    otherwise: '8443',
    parse: wholeNumber(0, 65_535),
  },
  BTY_PUBLIC_URL: {
    says: 'Address under which machines reach the server, for instance `http://10.0.0.1:8080`.',
    otherwise: 'the address that a machine asked',
    parse: baseUrl,
  },
  BTY_TRUSTED_PROXIES: {
    says: 'Proxies before the server, whose `X-Forwarded-*` headers count: addresses and networks, separated by commas.',
    otherwise: 'nobody is believed',
    parse: networks,
  },
  BTY_DATABASE_URL: {
    says: 'Postgres to use, for instance `postgres://bty:secret@db/bty`.',
    otherwise: 'the bundled Postgres, below `$BTY_STATE_DIR`',
    secret: true,
    parse: addressOf('postgres:', 'postgresql:'),
  },
  BTY_REDIS_URL: {
    says: 'Redis for the queues, for instance `redis://redis:6379`.',
    otherwise: 'the queues are in Postgres',
    secret: true,
    parse: addressOf('redis:', 'rediss:'),
  },
  BTY_ADMIN_PASSWORD: {
    says: 'Password of the user `admin`, who is made with it at the first start. Later changes of the setting do nothing.',
    otherwise: 'no such user is made',
    secret: true,
    parse: password,
  },
  BTY_FIRST_BOOT_WINDOW: {
    says: 'Seconds after a flash or a check in which PXE contacts of the machine get its local disk; 0 turns it off.',
    otherwise: '180',
    parse: wholeNumber(0, 86_400),
  },
  BTY_MAX_FLASHES: {
    says: 'How many machines may fetch images at once; the others wait for their turn. 0 is no limit.',
    otherwise: '32',
    parse: wholeNumber(0, 100_000),
  },
  BTY_FLASH_BANDWIDTH: {
    says: 'MiB per second that the server has for flashes: as many run at once as get `BTY_FLASH_MIN_RATE`. 0 is no limit.',
    otherwise: '0',
    parse: wholeNumber(0, 1_000_000),
  },
  BTY_FLASH_MIN_RATE: {
    says: 'MiB per second that a flash is to have at least, out of `BTY_FLASH_BANDWIDTH`.',
    otherwise: '20',
    parse: wholeNumber(1, 1_000_000),
  },
  BTY_NO_PROGRESS_TIMEOUT: {
    says: 'Seconds without progress after which a flash counts as stuck.',
    otherwise: '120',
    parse: wholeNumber(1, 86_400),
  },
  BTY_ROLE: {
    says: 'What this process does: `server` answers, `worker` carries out workflows, `all` does both in two processes.',
    otherwise: '`all`',
    parse: oneOf('all', 'server', 'worker'),
  },
  BTY_RUN_TIMEOUT: {
    says: 'Seconds that a workflow may take.',
    otherwise: '1800',
    parse: wholeNumber(1, 86_400),
  },
  BTY_RUN_SSH_TIMEOUT: {
    says: 'Seconds that a flashed system may take until it answers over SSH.',
    otherwise: '600',
    parse: wholeNumber(1, 86_400),
  },
  BTY_MAX_RUNS: {
    says: 'How many workflows a worker carries out at once.',
    otherwise: '4',
    parse: wholeNumber(1, 64),
  },
  BTY_RUN_KEEP_DAYS: {
    says: 'Days after which a run is removed, with its log and report; 0: never for its age.',
    otherwise: '90',
    parse: wholeNumber(0, 36_500),
  },
  BTY_RUNS_KEPT: {
    says: 'How many runs of a machine are kept, the newest ones; 0: any number.',
    otherwise: '200',
    parse: wholeNumber(0, 1_000_000),
  },
  BTY_DRIFT_INTERVAL: {
    says: 'Seconds between drift checks of a machine that has a baseline; 0 turns them off.',
    otherwise: '0',
    parse: wholeNumber(0, 30 * 86_400),
  },
  BTY_MAX_IMAGE_BYTES: {
    says: 'Largest image that is taken, in bytes: its file, and the disk that it holds.',
    otherwise: '256 GiB',
    parse: wholeNumber(512, Number.MAX_SAFE_INTEGER),
  },
  BTY_IMAGE_READ: {
    says: 'Who may read images, maps and packs: `open`, anybody; `token`, who shows a credential, as agents do with their sessions.',
    otherwise: '`open`',
    parse: oneOf('open', 'token'),
  },
  BTY_STORE_QUOTA_BYTES: {
    says: 'What images, packs and maps may take on the disk together, in bytes.',
    otherwise: 'no quota',
    parse: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  },
  BTY_EVENT_RETENTION: {
    says: 'Days after which events are removed; 0 keeps them for ever.',
    otherwise: '90',
    parse: wholeNumber(0, 36_500),
  },
  BTY_KERNEL_ARGS: {
    says: 'More words for the kernel command line of the live env.',
    otherwise: 'none',
    parse: kernelArguments,
  },
} as const satisfies Record<`BTY_${string}`, Setting<unknown>>;

type SettingName = keyof typeof SETTINGS;

/** How the server listens for TLS. */
export interface TlsSettings {
  /** PEM, absolute paths. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly port: number;
}

/** What the server was told, parsed once and frozen. Directories are absolute paths. */
export interface Config {
  readonly version: string;
  readonly stateDir: string;
  readonly imageRoot: string;
  readonly bootDir: string;
  readonly cijoeDir: string;
  readonly httpHost: string | undefined;
  readonly httpPort: number;
  readonly tls: TlsSettings | undefined;
  readonly publicUrl: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly adminPassword: string | undefined;
  readonly firstBootWindowSeconds: number;
  readonly maxFlashes: number;
  readonly flashBandwidthMib: number;
  readonly flashMinRateMib: number;
  readonly noProgressTimeoutSeconds: number;
  readonly role: 'all' | 'server' | 'worker';
  readonly runTimeoutSeconds: number;
  readonly runSshTimeoutSeconds: number;
  readonly maxRuns: number;
  readonly runKeepDays: number;
  readonly runsKept: number;
  readonly driftIntervalSeconds: number;
  readonly maxImageBytes: number;
  readonly imageRead: 'open' | 'token';
  readonly storeQuotaBytes: number | undefined;
  readonly eventRetentionDays: number;
  readonly kernelArgs: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

function textOf(env: Environment, name: SettingName): string | undefined {
  const setting: Setting<unknown> = SETTINGS[name];
  const text = env[name] || undefined;
  const file = setting.secret ? env[`${name}_FILE`] || undefined : undefined;
  if (file === undefined) return text;
  if (text !== undefined) throw new SettingError(name, `is given twice, also by ${name}_FILE`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    throw new SettingError(`${name}_FILE`, `cannot be read: ${(error as Error).message}`);
  }
}

function readSetting<N extends SettingName>(
  env: Environment,
  name: N,
): ReturnType<(typeof SETTINGS)[N]['parse']> | undefined {
  const text = textOf(env, name);
  if (text === undefined) return undefined;
  try {
    return SETTINGS[name].parse(text) as ReturnType<(typeof SETTINGS)[N]['parse']>;
  } catch (error) {
    throw new SettingError(name, (error as Error).message);
  }
}

function readTls(env: Environment): TlsSettings | undefined {
  const [cert, key] = [readSetting(env, 'BTY_TLS_CERT'), readSetting(env, 'BTY_TLS_KEY')];
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw new SettingError('BTY_TLS_CERT', 'is needed beside BTY_TLS_KEY');
  if (key === undefined) throw new SettingError('BTY_TLS_KEY', 'is needed beside BTY_TLS_CERT');
  return { certFile: resolve(cert), keyFile: resolve(key), port: readSetting(env, 'BTY_HTTPS_PORT') ?? 8443 };
}

function projectRoot(): string | undefined {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return existsSync(join(folder, 'package.json')) ? folder : undefined;
}

/** Reads the settings from an environment. Throws a SettingError for one that cannot be used; an empty text is unset. */
export function parseConfig(env: Environment): Config {
  const root = projectRoot();
  const checkout = root !== undefined && existsSync(join(root, 'nest-cli.json'));
  const stateDir = resolve(readSetting(env, 'BTY_STATE_DIR') ?? (checkout ? join(root, '.bty') : '/var/lib/bty'));
  const manifest = root === undefined ? '{}' : readFileSync(join(root, 'package.json'), 'utf8');
  return Object.freeze({
    version: (JSON.parse(manifest) as { version?: string }).version ?? 'unknown',
    stateDir,
    imageRoot: resolve(readSetting(env, 'BTY_IMAGE_ROOT') ?? join(stateDir, 'images')),
    bootDir: resolve(readSetting(env, 'BTY_BOOT_DIR') ?? join(stateDir, 'boot')),
    cijoeDir: resolve(readSetting(env, 'BTY_CIJOE_DIR') ?? join(root ?? '/', 'dist/cijoe')),
    httpHost: readSetting(env, 'BTY_HTTP_HOST'),
    httpPort: readSetting(env, 'BTY_HTTP_PORT') ?? 8080,
    tls: readTls(env),
    publicUrl: readSetting(env, 'BTY_PUBLIC_URL'),
    trustedProxies: readSetting(env, 'BTY_TRUSTED_PROXIES') ?? [],
    databaseUrl: readSetting(env, 'BTY_DATABASE_URL'),
    redisUrl: readSetting(env, 'BTY_REDIS_URL'),
    adminPassword: readSetting(env, 'BTY_ADMIN_PASSWORD'),
    firstBootWindowSeconds: readSetting(env, 'BTY_FIRST_BOOT_WINDOW') ?? 180,
    maxFlashes: readSetting(env, 'BTY_MAX_FLASHES') ?? 32,
    flashBandwidthMib: readSetting(env, 'BTY_FLASH_BANDWIDTH') ?? 0,
    flashMinRateMib: readSetting(env, 'BTY_FLASH_MIN_RATE') ?? 20,
    noProgressTimeoutSeconds: readSetting(env, 'BTY_NO_PROGRESS_TIMEOUT') ?? 120,
    role: readSetting(env, 'BTY_ROLE') ?? 'all',
    runTimeoutSeconds: readSetting(env, 'BTY_RUN_TIMEOUT') ?? 1800,
    runSshTimeoutSeconds: readSetting(env, 'BTY_RUN_SSH_TIMEOUT') ?? 600,
    maxRuns: readSetting(env, 'BTY_MAX_RUNS') ?? 4,
    runKeepDays: readSetting(env, 'BTY_RUN_KEEP_DAYS') ?? 90,
    runsKept: readSetting(env, 'BTY_RUNS_KEPT') ?? 200,
    driftIntervalSeconds: readSetting(env, 'BTY_DRIFT_INTERVAL') ?? 0,
    maxImageBytes: readSetting(env, 'BTY_MAX_IMAGE_BYTES') ?? 256 * GIB,
    imageRead: readSetting(env, 'BTY_IMAGE_READ') ?? 'open',
    storeQuotaBytes: readSetting(env, 'BTY_STORE_QUOTA_BYTES'),
    eventRetentionDays: readSetting(env, 'BTY_EVENT_RETENTION') ?? 90,
    kernelArgs: readSetting(env, 'BTY_KERNEL_ARGS') ?? '',
  });
}

/** A sentence for each `BTY_*` variable that the server does not know, naming the one that was probably meant. */
export function unknownSettings(env: Environment): string[] {
  const known = Object.entries<Setting<unknown>>(SETTINGS).flatMap(([name, { secret }]) =>
    secret ? [name, `${name}_FILE`] : [name],
  );
  return Object.keys(env)
    .filter((name) => name.startsWith('BTY_') && !known.includes(name))
    .map((name) => `${name} is not a setting of this server; did you mean ${nearestName(name, known)}?`);
}

/** The settings of this process, and warnings about variables that are none. */
export function readConfig(): { config: Config; warnings: string[] } {
  return { config: parseConfig(process.env), warnings: unknownSettings(process.env) };
}
