import type { FlashProgress } from '@bty/wire-types';
import type { Clock } from '../clock/clock.js';
import type { AgentConfig } from '../config.js';
import type { FlashTurns } from '../flash-turns.js';
import type { Status } from '../screen/status.js';
import { onlyAt } from '../source/image-access.js';
import { type MachineWorld, machineWorld } from './machine-world.js';
import { Tui } from './run-tui.js';
import { openConsole } from './terminal.js';
import type { TuiWorld } from './tui-world.js';

/** What the terminal UI of an agent needs beside the agent's settings. */
export interface AgentTuiPorts extends Pick<MachineWorld, 'searchPath' | 'environment' | 'log' | 'reboot'> {
  status: Status;
  turns: FlashTurns;
  clock: Clock;
  /** The credential of the agent's session. */
  sessionToken(): string | undefined;
  /** Tells the server how far it is, unacknowledged. */
  progress(progress: FlashProgress): void;
}

const LOOK_MS = 250;
const WAITING = 'The server has a flash job for this machine; it begins when this is done.';

/** The machine's world, with one flash at a time; a job that waits for the person's is seen to go on by the server. */
function inTurn(world: TuiWorld, { turns, progress }: AgentTuiPorts): TuiWorld {
  return {
    ...world,
    flash: (looked, told, signal) => {
      const watched: typeof told = {
        ...told,
        progress: (bytesDone, bytesTotal) => {
          told.progress(bytesDone, bytesTotal);
          if (turns.waiting === undefined) return;
          const bytes = { bytes_done: bytesDone, bytes_total: bytesTotal, bytes_per_second: 0 };
          progress({ type: 'flash.progress', ...turns.waiting, stage: 'preparing', ...bytes });
        },
      };
      return turns.forPerson(() => world.flash(looked, watched, signal)).finally(() => looked.close());
    },
  };
}

/**
 * Shows the terminal UI on the consoles of the live env, and what the agent does beside it. The returned function ends it,
 * a flash included. A console that cannot be opened is left out.
 */
export async function startAgentTui(config: AgentConfig, ports: AgentTuiPorts): Promise<() => Promise<void>> {
  const { status, clock, log, turns } = ports;
  const origin = { kind: 'server' as const, url: config.serverUrl, mac: config.mac };
  const access = {
    authorization: onlyAt(config.serverUrl, ports.sessionToken),
    advice: () => 'It lets this machine read them when its agent is connected.',
  };
  const world = inTurn(machineWorld({ ...ports, origin, access, onlyDisks: config.onlyDisks }), ports);
  const facts = {
    version: status.version,
    origin: `Server ${config.serverUrl}   ${config.mac}`,
    root: true,
    canReboot: config.liveEnv,
    quitTo: undefined,
  };
  const tui = new Tui(facts, world, clock);
  for (const path of config.consoles) {
    await openConsole(path).then(
      (terminal) => tui.attach(terminal),
      (error: Error) => log(`no terminal UI on ${path}: ${error.message}`),
    );
  }
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const { connection, outcome } = status;
    const job = status.job && { ...status.job };
    tui.showAgent({ connection, job, outcome: turns.waiting === undefined ? outcome : WAITING });
    cancel = clock.after(LOOK_MS, look);
  };
  look();
  const stop = new AbortController();
  const over = tui.run(stop.signal);
  return async () => {
    cancel();
    stop.abort();
    await over;
  };
}
