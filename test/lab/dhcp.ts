/** dnsmasq on the lab's network, with the configuration that is shipped in deploy/dhcp. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNetwork } from './network.ts';
import { start } from './process.ts';

const SHIPPED = join(import.meta.dirname, '../../deploy/dhcp');
const RANGE = '10.77.0.100,10.77.0.199,255.255.255.0';

/** `full`: bty's dnsmasq is the only DHCP server. `proxy`: a router hands out addresses and knows nothing of booting. */
export type DhcpShape = 'full' | 'proxy';

interface DhcpOptions {
  shape: DhcpShape;
  workDir: string;
  bootDir: string;
  /** Where bty listens on the bridge's address. */
  serverPort: number;
}

/** Starts DHCP and TFTP as a lab would have them. */
export function startDhcp(network: LabNetwork, options: DhcpOptions): ChildProcess[] {
  const { shape, workDir } = options;
  const shipped = fillIn(network, options);
  if (shape === 'full') {
    return [dnsmasq(network.inside, workDir, 'dhcp', [shipped, ...advertise(network.bridge), 'no-ping', 'log-dhcp'])];
  }
  return [startRouter(network, workDir), dnsmasq(network.inside, workDir, 'dhcp', [shipped, 'log-dhcp'])];
}

/** A router that hands out addresses and knows nothing of booting. */
export function startRouter(network: LabNetwork, workDir: string): ChildProcess {
  const router = network.addRouter();
  const plain = ['port=0', `interface=${router.link}`, 'bind-interfaces', 'dhcp-authoritative', 'no-ping'];
  return dnsmasq(router.inside, workDir, 'router', [...plain, `dhcp-range=${RANGE},1h`, ...advertise(router.link)]);
}

/** iPXE waits 13 s for a router advertisement on a network that sends none. */
function advertise(link: string): string[] {
  return ['enable-ra', 'dhcp-range=fd77::,ra-only,64', `ra-param=${link},10,0`];
}

/** The shipped file with its placeholders replaced, as its first lines tell an admin to. */
function fillIn(network: LabNetwork, { shape, bootDir, serverPort }: DhcpOptions): string {
  const text = readFileSync(join(SHIPPED, `${shape}.conf`), 'utf8')
    .replaceAll('@INTERFACE@', network.bridge)
    .replaceAll('@RANGE@', RANGE)
    .replaceAll('@SUBNET@', '10.77.0.0')
    .replaceAll('@NETMASK@', '255.255.255.0')
    .replaceAll('@SERVER@', `${network.address}:${serverPort}`)
    .replaceAll('@ADDRESS@', network.address)
    .replaceAll('@TFTP_ROOT@', bootDir);
  const left = text.split('\n').filter((line) => !line.startsWith('#') && /@[A-Z_]+@/.test(line));
  if (left.length > 0) throw new Error(`${shape}.conf has a placeholder that its first lines do not explain: ${left}`);
  return text;
}

function dnsmasq(
  inside: LabNetwork['inside'],
  workDir: string,
  name: string,
  configuration: readonly string[],
): ChildProcess {
  const dir = join(workDir, name);
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
  const file = join(dir, 'dnsmasq.conf');
  writeFileSync(file, `${configuration.join('\n')}\n`);
  return start(
    inside([
      ...['dnsmasq', '--keep-in-foreground', '--user=root', `--conf-file=${file}`, '--pid-file='],
      ...[`--dhcp-leasefile=${join(dir, 'leases')}`, '--log-facility=-'],
    ]),
    { logFile: join(workDir, `${name}.log`) },
  );
}
