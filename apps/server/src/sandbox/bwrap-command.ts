import { SANDBOX_LIMITS } from './sandbox-limits.js';

/** Descriptors that the sandbox's first program is started with, beside the standard ones. */
const DESCRIPTORS = { result: 3, info: 4, seccomp: 5 } as const;

/** What a sandbox is built from. */
export interface SandboxPlan {
  /** Prepared for this sandbox alone: `etc/`, `relay/`, `supervisor.py`, and as root an empty `cijoe/`. */
  readonly folder: string;
  /** Python environment with cijoe; seen at the same place inside. */
  readonly cijoeDir: string;
  /** Top-level links of the host into /usr, `bin` to `usr/bin` for instance; what is no link there is mounted. */
  readonly links: Readonly<Record<string, string | undefined>>;
  /** As root: the account that owns `folder`, to which all power is given up. */
  readonly account: number | undefined;
}

/** A command with its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

const NAME = 'bty';
const ID = '1000';

function systemMounts(links: SandboxPlan['links']): string[] {
  const top = Object.entries(links).flatMap(([name, target]) =>
    target === undefined ? ['--ro-bind-try', `/${name}`, `/${name}`] : ['--symlink', target, `/${name}`],
  );
  const etc = ['ld.so.cache', 'alternatives', 'localtime'].flatMap((name) => [
    '--ro-bind-try',
    `/etc/${name}`,
    `/etc/${name}`,
  ]);
  return ['--ro-bind', '/usr', '/usr', ...top, ...etc];
}

function ownMounts(plan: SandboxPlan): string[] {
  const { folder, cijoeDir } = plan;
  const { workBytes, temporaryBytes, sharedMemoryBytes } = SANDBOX_LIMITS;
  const memory = (path: string, bytes: number): string[] => ['--size', String(bytes), '--tmpfs', path];
  const etc = ['passwd', 'group', 'hosts', 'nsswitch.conf'];
  return [
    ...etc.flatMap((name) => ['--ro-bind', `${folder}/etc/${name}`, `/etc/${name}`]),
    ...['--proc', '/proc', '--dev', '/dev', ...memory('/dev/shm', sharedMemoryBytes)],
    ...[...memory('/job', workBytes), ...memory('/tmp', temporaryBytes), '--symlink', '../tmp', '/var/tmp'],
    // After /tmp, below which it may lie.
    ...['--ro-bind', plan.account === undefined ? cijoeDir : `${folder}/cijoe`, cijoeDir],
    ...['--ro-bind', `${folder}/supervisor.py`, '/run/bty.py', '--bind', `${folder}/relay`, '/run/bty'],
    // Otherwise a program could fill these two, which have no size.
    ...['--remount-ro', '/', '--remount-ro', '/dev'],
  ];
}

function environment(cijoeDir: string): string[] {
  const variables = {
    PATH: `${cijoeDir}/bin:/usr/local/bin:/usr/bin:/bin`,
    HOME: '/job/home',
    USER: NAME,
    LOGNAME: NAME,
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  return ['--clearenv', ...Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value])];
}

function bubblewrap(plan: SandboxPlan): string[] {
  const { addressSpaceBytes, processes, openFiles, workBytes } = SANDBOX_LIMITS;
  return [
    'bwrap',
    ...['--unshare-user', '--uid', ID, '--gid', ID],
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', NAME],
    ...['--die-with-parent', '--new-session'],
    ...['--seccomp', String(DESCRIPTORS.seccomp), '--info-fd', String(DESCRIPTORS.info)],
    ...environment(plan.cijoeDir),
    ...systemMounts(plan.links),
    ...ownMounts(plan),
    ...['--chdir', '/job', '--'],
    // Inside its own user namespace the limit of processes counts those of this sandbox alone.
    ...[
      'prlimit',
      `--nproc=${processes}`,
      `--as=${addressSpaceBytes}`,
      `--nofile=${openFiles}`,
      `--fsize=${workBytes}`,
    ],
    ...['--core=0', '--', '/usr/bin/python3', '-I', '-S', '/run/bty.py'],
  ];
}

/**
 * The command that starts a sandbox. As root, Python's environment is mounted where the account can reach it, since it
 * may lie below a closed home, and then everything runs as that account.
 */
export function sandboxCommand(plan: SandboxPlan): Command {
  const inner = bubblewrap(plan);
  if (plan.account === undefined) return { program: inner[0] as string, args: inner.slice(1) };
  const id = String(plan.account);
  const drop = ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--no-new-privs', '--'];
  const mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const stage = [
    '--mount',
    '--propagation',
    'private',
    '--',
    'sh',
    '-c',
    mount,
    'sh',
    plan.cijoeDir,
    `${plan.folder}/cijoe`,
  ];
  return { program: 'unshare', args: [...stage, ...drop, ...inner] };
}
