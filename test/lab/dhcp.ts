/** dnsmasq on the lab's bridge, with the configuration that is shipped in deploy/dhcp. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNetwork } from './network.ts';
import { start } from './process.ts';

const SHIPPED = join(import.meta.dirname, '../../deploy/dhcp/full.conf');

/** Starts DHCP and TFTP; `serverPort` is where bty listens on the bridge's address. */
export function startDhcp(network: LabNetwork, workDir: string, bootDir: string, serverPort: number): ChildProcess {
  const dir = join(workDir, 'dhcp');
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
  const shipped = readFileSync(SHIPPED, 'utf8')
    .replaceAll('@INTERFACE@', network.bridge)
    .replaceAll('@RANGE@', '10.77.0.100,10.77.0.199,255.255.255.0')
    .replaceAll('@SERVER@', `${network.address}:${serverPort}`)
    .replaceAll('@TFTP_ROOT@', bootDir);
  writeFileSync(join(dir, '1-shipped.conf'), shipped);
  writeFileSync(
    join(dir, '2-lab.conf'),
    ['enable-ra', 'dhcp-range=fd77::,ra-only,64', `ra-param=${network.bridge},10,0`, 'no-ping', 'log-dhcp', ''].join(
      '\n',
    ),
  );
  return start(
    network.inside([
      'dnsmasq',
      '--keep-in-foreground',
      '--user=root',
      `--conf-dir=${dir},*.conf`,
      '--pid-file=',
      `--dhcp-leasefile=${join(workDir, 'leases')}`,
      '--log-facility=-',
    ]),
    { logFile: join(workDir, 'dnsmasq.log') },
  );
}
