import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { blankDisk } from '../e2e/disks.ts';
import { jobSucceeds, newJob, writtenShare } from '../e2e/steps.ts';
import { newAdminKey } from '../lab/guest-shell.ts';
import { ACCOUNT, LAB_WORKFLOW, labUserData } from '../lab/lab-account.ts';
import type { Machine } from '../lab/machine.ts';
import { followRun, newRun } from '../lab/online-run.ts';
import { eventually } from '../lab/process.ts';
import { memories } from './memories.ts';
import { PARTS, type Part, Stack } from './stack.ts';

const MAC = '52:54:00:b7:d0:01';
const MIB = 2 ** 20;
const UP_LIMIT_S = 60;
const RECOVERY_LIMIT_S = 10;

describe.skipIf(inject('noEngine'))('a lab that has installed bty with Docker Compose', () => {
  let stack: Stack;
  let machine: Machine;

  beforeAll(async () => {
    stack = new Stack(`bty-deploy-${process.pid}`, inject('release'));
    await stack.start();
  });

  afterAll(async () => stack?.stop());

  it('has secrets of its own, for their owner alone, which a second deploy-init leaves as they are', () => {
    const file = join(inject('release'), 'deploy/.env');
    const before = readFileSync(file, 'utf8');
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    const secrets = ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'BTY_ADMIN_PASSWORD'].map((name) => stack.secret(name));
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{48}$/);
    execFileSync(join(inject('release'), 'script/deploy-init'), ['--port', '81'], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('is understood by every Compose of this host', () => {
    const services = Object.values(stack.engine.services(stack.folder));
    expect(services.length).toBeGreaterThan(0);
    for (const names of services) expect(names).toEqual([...PARTS].sort());
  });

  it('is up and ready within a minute', async () => {
    const seconds = await stack.up();
    console.error(`deploy: up to ready and healthy: ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(UP_LIMIT_S);
  });

  it.each(PARTS)('runs the %s without privileges', (part) => {
    const { HostConfig: host, Config: config } = stack.inspect<{
      HostConfig: Record<string, unknown>;
      Config: { User: string };
    }>(part, '.');
    const caps: Partial<Record<Part, string[]>> = {
      dnsmasq: ['NET_ADMIN', 'NET_BIND_SERVICE', 'NET_RAW', 'SETGID', 'SETUID'],
    };
    expect(host).toMatchObject({ Privileged: false, ReadonlyRootfs: true, CapDrop: ['ALL'], Init: true, PidMode: '' });
    expect(((host['CapAdd'] ?? []) as string[]).map((name) => name.replace('CAP_', '')).sort()).toEqual(
      caps[part] ?? [],
    );
    expect(host['SecurityOpt']).toContainEqual(expect.stringMatching(/^no-new-privileges/));
    expect(host['RestartPolicy']).toMatchObject({ Name: 'unless-stopped' });
    expect(Number(host['PidsLimit'])).toBeGreaterThan(0);
    expect(config.User).toBe({ server: 'bty', worker: 'bty', postgres: 'postgres', redis: 'redis', dnsmasq: '' }[part]);
    const [, , uid, , caps_] = processStatus(stack.state(part).pid, part);
    expect(uid).not.toBe('0');
    expect(caps_).toBe(part === 'dnsmasq' ? '3400' : '0');
  });

  it('publishes the port for boot and API, and nothing else', () => {
    const published = PARTS.map(
      (part) => stack.inspect<Record<string, unknown>>(part, '.HostConfig.PortBindings') ?? {},
    );
    expect(published.flatMap((ports) => Object.keys(ports))).toEqual(['8080/tcp']);
    const open = execFileSync('ip', ['netns', 'exec', stack.network.namespace, 'ss', '-Hlnt'], { encoding: 'utf8' });
    const ports = open
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[3]?.split(':').at(-1));
    expect(new Set(ports)).toEqual(new Set(['8080']));
  });

  it('keeps Redis as the queues need it, with a password and what was written', () => {
    const ask = (...words: string[]): string => stack.compose('exec', '-T', 'redis', 'redis-cli', ...words);
    expect(ask('config', 'get', 'maxmemory-policy')).toContain('noeviction');
    expect(ask('config', 'get', 'appendonly')).toContain('yes');
    expect(stack.compose('exec', '-T', '-e', 'REDISCLI_AUTH=', 'redis', 'redis-cli', 'ping')).toContain('NOAUTH');
  });

  it('flashes a machine that boots over the network, its server killed in the middle', async () => {
    const key = newAdminKey(stack.workDir);
    const disk = blankDisk(join(stack.workDir, 'disk.raw'), 1024 * MIB);
    const disks = [{ file: disk, throttleBytesPerSecond: 60 * MIB }];
    machine = stack.addMachine({ name: 'target', mac: MAC, firmware: 'bios', disks });
    await stack.api.uploadReady('cloud.img', inject('deployedImage'));
    await stack.api.putWorkflow('ready', LAB_WORKFLOW);
    await stack.api.putMachine(MAC, {
      ...{ image: 'cloud.img', boot_policy: 'flash', hostname: 'node-1' },
      ...{ provisioning_mode: 'cijoe-online', cijoe_workflow_ref: 'ready', ssh_user: ACCOUNT },
      user_data: labUserData(key.publicKey, 'placed on {{hostname}}'),
    });
    machine.powerOn();
    const { id } = await newJob(stack, MAC);
    await eventually('a part is written', 240_000, async () => (await writtenShare(stack, id)) > 0.1);
    const seconds = await stack.kill('server');
    const share = await writtenShare(stack, id);
    console.error(
      `deploy: the server was killed at ${Math.round(share * 100)} % and answered after ${seconds.toFixed(1)} s`,
    );
    expect(seconds).toBeLessThan(RECOVERY_LIMIT_S);
    const job = await jobSucceeds(stack, id);
    expect(job.epoch).toBe(1);
  });

  it('runs the workflow in its system, in the sandbox', async () => {
    const { run, log } = await followRun(stack, (await newRun(stack, MAC)).id);
    expect([run.state, run.error]).toEqual(['succeeded', null]);
    expect(log).toEqual(expect.arrayContaining(['node-1', 'placed on node-1', 'ready']));
    expect((await stack.api.baseline(MAC)).version).toBe(1);
  });

  it('has lost nothing after down and up', async () => {
    const before = await memories(stack);
    stack.compose('down');
    await stack.up();
    expect(await memories(stack)).toEqual(before);
  });

  it('does what else the documentation says', async () => {
    const TOKEN = stack.documented('token').trim();
    const at = { TOKEN, SERVER: stack.network.address, MAC, IMAGE: join(stack.workDir, 'first.img') };
    writeFileSync(at.IMAGE, Buffer.alloc(MIB));
    stack.documented('first image', at);
    await eventually('it is ready', 60_000, async () => (await stack.api.image('first.img')).state === 'ready');
    stack.documented('policy', at);
    expect(JSON.parse(stack.documented('machines', at))).toMatchObject([
      { mac: MAC, image: 'first.img', boot_policy: 'flash' },
    ]);
  });

  it('takes credentials over TLS alone, and believes its proxy, as documented', async () => {
    const tls = join(stack.folder, 'tls');
    mkdirSync(tls);
    const subject = ['-subj', '/CN=bty', '-addext', `subjectAltName=IP:${stack.network.address}`];
    const files = ['-keyout', join(tls, 'key.pem'), '-out', join(tls, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'ignore',
    });
    stack.documented('proxy');
    stack.documented('tls');
    await stack.ready();
    const ask = (base: string): string => {
      const options = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', join(tls, 'cert.pem')];
      const header = ['-H', `Authorization: Bearer ${stack.documented('token').trim()}`];
      const inside = stack.network.inside(['curl', ...options, ...header, `${base}/machines`]);
      return execFileSync(inside[0] as string, inside.slice(1), { encoding: 'utf8' });
    };
    expect(ask(`https://${stack.network.address}:8443`)).toBe('200');
    expect(ask(`http://${stack.network.address}:8080`)).toBe('403');
    const settings = stack.compose('exec', '-T', 'server', 'env');
    expect(settings).toMatch(/^BTY_TRUSTED_PROXIES=172\.\d+\.\d+\.1\r?$/m);
  });
});

/** Of the program itself, below Docker's init: pid, parent, uid, name, effective capabilities in hexadecimal. */
function processStatus(init: number, part: Part): string[] {
  const [child = ''] = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ');
  const status = readFileSync(`/proc/${child}/status`, 'utf8');
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? `no ${name} of ${part}`;
  return [child, field('PPid'), field('Uid'), field('Name'), field('CapEff').replace(/^0+(?=.)/, '')];
}
