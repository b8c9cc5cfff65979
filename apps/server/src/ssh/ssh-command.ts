import { HOST_ALIAS } from './known-hosts.js';

/** What the command line of ssh is made of. */
export interface SshLine {
  readonly address: string;
  readonly user: string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  /** Whether the file's keys are the only ones that count; else the key that is seen first is added to it. */
  readonly pinned: boolean;
  readonly connectTimeoutSeconds: number;
}

/** Starts a shell that reads its script from standard input, as root where it can. */
const ROOT_SHELL = `sh -c 'if [ "$(id -u)" = 0 ]; then exec sh -s; else exec sudo -n sh -s; fi'`;
const USER_SHELL = `sh -c 'exec sh -s'`;

/**
 * Arguments of OpenSSH's `ssh` (ssh_config(5)) that run a script from standard input. Nothing of the account it runs
 * under has a say: no configuration, no agent, no other keys, no forwarding.
 */
export function sshArguments(line: SshLine, as: 'root' | 'user'): string[] {
  const options = {
    BatchMode: 'yes',
    CheckHostIP: 'no',
    ConnectTimeout: String(line.connectTimeoutSeconds),
    ConnectionAttempts: '1',
    ForwardAgent: 'no',
    GlobalKnownHostsFile: '/dev/null',
    HashKnownHosts: 'no',
    HostKeyAlias: HOST_ALIAS,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    KbdInteractiveAuthentication: 'no',
    LogLevel: 'ERROR',
    PasswordAuthentication: 'no',
    ServerAliveCountMax: '3',
    ServerAliveInterval: '5',
    StrictHostKeyChecking: line.pinned ? 'yes' : 'accept-new',
    UpdateHostKeys: 'no',
    UserKnownHostsFile: line.knownHostsFile,
  };
  return [
    ...['-F', 'none', '-T', '-a', '-x'],
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...['-i', line.keyFile, '-l', line.user, '--', line.address, as === 'root' ? ROOT_SHELL : USER_SHELL],
  ];
}

/** Why ssh itself failed (exit code 255), from what it wrote to standard error. */
export function sshFailure(stderr: string): { code: 'HOST_KEY_CHANGED' | 'SSH_UNREACHABLE'; message: string } {
  const last = stderr.trim().split('\n').at(-1)?.trim() ?? '';
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/.test(stderr)) {
    return { code: 'HOST_KEY_CHANGED', message: 'it shows another host key than the one that is pinned' };
  }
  return { code: 'SSH_UNREACHABLE', message: last.slice(0, 300) || 'ssh gives no reason' };
}
