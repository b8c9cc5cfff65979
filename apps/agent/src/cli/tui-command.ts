import { BtyError } from '@bty/wire-types';
import { systemClock } from '../clock/clock.js';
import { parseMac, parseServer } from '../config.js';
import { imageRootOf } from '../images/image-root.js';
import { imageAccessOf } from '../remote/access.js';
import { NO_ACCESS } from '../source/image-access.js';
import { type ImageOrigin, machineWorld } from '../tui/machine-world.js';
import { Tui } from '../tui/run-tui.js';
import { ownTerminal } from '../tui/terminal.js';
import { AGENT_VERSION } from '../version.js';
import { disksLookedAt, type ProgramPorts, usage } from './command-ports.js';

/** Flags of `bty tui`, as given. */
export interface TuiFlags {
  server?: string;
  mac?: string;
  imageRoot?: string;
  disk?: string[];
  quitTo: string;
  notice?: string;
}

function originOf({ server, mac, imageRoot }: TuiFlags, environment: ProgramPorts['environment']): ImageOrigin {
  const [url, address] = [server ?? environment.BTY_SERVER, mac ?? environment.BTY_MAC];
  if (url === undefined && address === undefined) return { kind: 'root', folder: imageRootOf(imageRoot, environment) };
  if (url === undefined || address === undefined) {
    throw usage('--server and --mac belong together: the server is told which machine was flashed');
  }
  return { kind: 'server', url: parseServer(url), mac: parseMac(address) };
}

/** Carries out `bty tui`: the terminal UI in the terminal that it is called in. */
export async function tuiCommand(flags: TuiFlags, ports: ProgramPorts): Promise<void> {
  const origin = originOf(flags, ports.environment);
  if (!ports.interactive) throw usage('bty tui needs a terminal; for scripts there are bty list, inspect and flash');
  const world = machineWorld({
    origin,
    access: origin.kind === 'server' ? await imageAccessOf(origin.url, ports.environment) : NO_ACCESS,
    onlyDisks: flags.disk ?? disksLookedAt(ports.environment),
    searchPath: ports.searchPath,
    environment: ports.environment,
    log: () => undefined,
    reboot: async () => {
      throw new BtyError('INVALID_REQUEST', 'this system is not rebooted from here');
    },
  });
  const facts = {
    version: AGENT_VERSION,
    origin: origin.kind === 'server' ? `Server ${origin.url}` : `Images in ${origin.folder}`,
    root: ports.root,
    canReboot: false,
    quitTo: flags.quitTo,
    ...(flags.notice === undefined ? {} : { notice: flags.notice }),
  };
  const tui = new Tui(facts, world, systemClock);
  tui.attach(ownTerminal());
  await tui.run(ports.stop);
}
