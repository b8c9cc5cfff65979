import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGES = ['hostname', 'sed'];
const START_PATIENCE_MS = 10_000;

const SSHD_CONFIG = `Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_rsa_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
PidFile none
MaxStartups 100
`;

// Everything is in mounts and processes of its own, which end with their first process.
const START = `set -eu
root=$1 cmdline=$2
mount --make-rprivate /
mount -t tmpfs tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/root"
cp -a "$root.etc/." "$root/upper/" 2>/dev/null || :
mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay "$root/root"
cd "$root/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --bind /dev dev
mount --bind "$cmdline" proc/cmdline
mount -t tmpfs tmpfs run
# Nothing of whoever runs the tests, and fewer files to look at.
mount -t tmpfs tmpfs etc/ssl
mount -t tmpfs -o mode=700 tmpfs root
cp -a "$root.etc/root/.ssh" root/
mkdir -p run/sshd
exec chroot . /usr/sbin/sshd -D -e -f /etc/ssh/bty_test_config
`;

let next = 0;

/** Fields of the dpkg database for a few packages only: verifying all of this host's would take minutes. */
function smallPackageDatabase(folder: string): void {
  const status = execFileSync('dpkg-query', ['--status', ...PACKAGES]).toString();
  mkdirSync(join(folder, 'info'), { recursive: true });
  mkdirSync(join(folder, 'updates'));
  mkdirSync(join(folder, 'triggers'));
  writeFileSync(join(folder, 'status'), status);
  for (const name of PACKAGES) {
    for (const kind of ['list', 'md5sums']) {
      writeFileSync(join(folder, 'info', `${name}.${kind}`), readFileSync(`/var/lib/dpkg/info/${name}.${kind}`));
    }
  }
}

/**
 * A machine as a workflow sees one: a real sshd in a network and a root file system of its own, laid over this host's, with
 * one network card whose MAC address is the machine's. It stands in for a system that was flashed.
 */
export class SshMachine {
  readonly address: string;
  /** This host's address on the same network, where no machine is. */
  readonly gateway: string;
  private readonly namespace: string;
  private readonly link: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'bty-machine-'));
  private child: ChildProcess | undefined;
  private log = '';

  constructor(
    readonly mac: string,
    private readonly cmdline = 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet',
  ) {
    next += 1;
    // Four addresses of 10.213.0.0/16 for each, so that tests side by side do not meet.
    const subnet = (process.pid * 16 + next) % 16_384;
    this.address = `10.213.${subnet >> 6}.${(subnet & 63) * 4 + 2}`;
    this.gateway = this.address.replace(/\d+$/, (last) => String(Number(last) - 1));
    this.namespace = `bty-machine-${process.pid}-${next}`;
    this.link = `btm${process.pid}x${next}`;
  }

  /** Starts the network and sshd; `authorizedKey` may log in as root. */
  async start(authorizedKey: string): Promise<void> {
    this.makeNetwork();
    this.layOut(authorizedKey);
    await this.boot();
  }

  /** Runs a command in the machine. */
  run(command: string): string {
    const enter = ['-t', String(this.initPid()), '-m', '-n', 'chroot', join(this.folder, 'root/root')];
    return execFileSync('nsenter', [...enter, 'sh', '-c', command], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).toString();
  }

  /** Takes the machine off, as a power cut does; its network stays. */
  async halt(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Powers the machine on again. It is as it was laid out, with other host keys, as after a flash. */
  async reflash(authorizedKey: string): Promise<void> {
    await this.halt();
    this.layOut(authorizedKey);
    await this.boot();
  }

  async stop(): Promise<void> {
    await this.halt();
    execFileSync('ip', ['link', 'del', this.link]);
    execFileSync('ip', ['netns', 'del', this.namespace]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeNetwork(): void {
    const ip = (...args: string[]) => execFileSync('ip', args);
    ip('netns', 'add', this.namespace);
    ip('link', 'add', this.link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace);
    ip('addr', 'add', `${this.gateway}/30`, 'dev', this.link);
    ip('link', 'set', this.link, 'up');
    const inside = (...args: string[]) => ip('-n', this.namespace, ...args);
    inside('link', 'set', 'eth0', 'address', this.mac);
    inside('addr', 'add', `${this.address}/30`, 'dev', 'eth0');
    inside('link', 'set', 'eth0', 'up');
    inside('link', 'set', 'lo', 'up');
  }

  /** What differs from this host: sshd's files, who may log in, the packages. */
  private layOut(authorizedKey: string): void {
    const upper = join(this.folder, 'root.etc');
    rmSync(upper, { recursive: true, force: true });
    mkdirSync(join(upper, 'etc/ssh'), { recursive: true });
    mkdirSync(join(upper, 'root/.ssh'), { recursive: true, mode: 0o700 });
    writeFileSync(join(upper, 'etc/ssh/bty_test_config'), SSHD_CONFIG);
    for (const type of ['ed25519', 'rsa']) {
      const file = join(upper, `etc/ssh/ssh_host_${type}_key`);
      execFileSync('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-N', '', '-f', file]);
    }
    writeFileSync(join(upper, 'root/.ssh/authorized_keys'), `${authorizedKey}\n`, { mode: 0o600 });
    smallPackageDatabase(join(upper, 'var/lib/dpkg'));
    mkdirSync(join(this.folder, 'root'), { recursive: true });
    writeFileSync(join(this.folder, 'cmdline'), `${this.cmdline}\n`);
  }

  private async boot(): Promise<void> {
    const shell = ['sh', '-c', START, 'sh', join(this.folder, 'root'), join(this.folder, 'cmdline')];
    const own = ['unshare', '--mount', '--pid', '--fork', '--kill-child', ...shell];
    this.child = spawn('ip', ['netns', 'exec', this.namespace, ...own], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (part: Buffer) => {
        this.log += part.toString();
      });
    }
    const deadline = Date.now() + START_PATIENCE_MS;
    while (!(await this.answers())) {
      if (Date.now() > deadline) throw new Error(`sshd does not answer: ${this.log}`);
      await sleep(30);
    }
  }

  private async answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.address, port: 22 });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }

  /** The first process inside, a child of `unshare`. */
  private initPid(): number {
    const { pid } = this.child ?? {};
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  }
}
