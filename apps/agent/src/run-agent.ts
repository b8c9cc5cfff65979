import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError, type Inventory } from '@bty/wire-types';
import { systemClock } from './clock/clock.js';
import { stepClock } from './clock/step-clock.js';
import type { AgentConfig } from './config.js';
import { firmwareOf, gatherInventory } from './inventory/gather-inventory.js';
import { JobRunner } from './job-runner.js';
import { kernelLog } from './kernel-log.js';
import { AgentLog } from './log.js';
import { bootDiskNext } from './reboot/next-boot.js';
import { rebootMachine } from './reboot/reboot-machine.js';
import { runFlash } from './run-flash.js';
import { ConsoleWriter } from './screen/console-writer.js';
import { startScreen } from './screen/screen.js';
import type { Status } from './screen/status.js';
import { AgentSession } from './session/agent-session.js';
import { openSessionFile } from './session/session-store.js';
import { webSocketTo } from './session/web-socket.js';
import { listDisks } from './target/list-disks.js';
import { MACHINE_ROOTS } from './target/machine-roots.js';
import { findMemberships } from './target/signatures.js';
import { AGENT_VERSION } from './version.js';

/** Sets a lagging clock once; until the server has answered, it is tried before every connection. */
function clockStepper(config: AgentConfig, log: AgentLog): () => Promise<void> {
  let done = !config.liveEnv;
  return async () => {
    if (done) return;
    try {
      log.line(await stepClock(config.serverUrl));
      done = true;
    } catch (error) {
      log.line(`the server does not tell the time: ${(error as Error).message}`);
    }
  };
}

function freshStatus(config: AgentConfig): Status {
  return {
    version: AGENT_VERSION,
    server: config.serverUrl,
    mac: config.mac,
    mode: config.mode,
    connection: 'starting',
    disks: [],
    job: undefined,
    outcome: '',
  };
}

/**
 * Runs the agent until it is told to stop: connects, takes jobs, reports, reboots into the disk. Outside the live env it
 * returns after a job instead of rebooting. `stop` ends a flash in mid-write; the promise then resolves.
 */
export async function runAgent(
  config: AgentConfig,
  showLine: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const roots = MACHINE_ROOTS;
  const log = new AgentLog(showLine, () => new Date());
  const say = (line: string): void => log.line(line);
  const status = freshStatus(config);
  const consoles = config.consoles.map((path) => new ConsoleWriter(path, () => systemClock.nowMs()));
  const stopScreen = startScreen(status, consoles, systemClock);
  say(`bty agent ${AGENT_VERSION}, server ${config.serverUrl}, MAC ${config.mac}, mode ${config.mode}`);

  const lookAround = async (): Promise<Inventory> => {
    status.disks = await listDisks(roots, findMemberships, config.onlyDisks);
    return gatherInventory(roots, status.disks);
  };
  let inventory = await lookAround();
  const firmware = await firmwareOf(roots);
  const store = openSessionFile(config.stateDir, say);
  const ended = Promise.withResolvers<void>();

  const session: AgentSession = new AgentSession({
    openSocket: webSocketTo(config.serverUrl),
    clock: systemClock,
    random: Math.random,
    store,
    bootToken: config.bootToken,
    beforeOpen: clockStepper(config, log),
    facts: () => ({ mac: config.mac, mode: config.mode, agent_version: AGENT_VERSION, inventory }),
    currentJob: () => jobs.currentJob(),
    onOrder: (order) => jobs.handle(order),
    onSuperseded: (reason) => void jobs.stop(new BtyError('STALE_EPOCH', `another agent has taken over: ${reason}`)),
    onState: (state) => {
      if (state !== status.connection) say(state);
      status.connection = state;
    },
  });
  const sessionToken = (): string | undefined => store.state.session;
  const { serverUrl, onlyDisks } = config;
  const around = { serverUrl, roots, onlyDisks, session, sessionToken, status, clock: systemClock, log: say };

  const jobs: JobRunner = new JobRunner({
    flash: (order, signal) => runFlash(order, around, signal),
    report: (report) => session.report(report),
    collectLog: async () => `${log.text()}\n\nKernel messages:\n${await kernelLog()}`,
    lastFinished: () => store.state.lastFinished,
    setLastFinished: (lastFinished) => store.update({ lastFinished }),
    bootDiskNext: ({ result, bootPartition }) =>
      config.liveEnv
        ? bootDiskNext(firmware, result.target.path, bootPartition)
        : Promise.resolve('not the live env: the firmware is left alone'),
    reboot: async () => {
      if (config.liveEnv) return rebootMachine();
      say('not the live env: ending instead of rebooting');
      ended.resolve();
    },
    onOutcome: (text) => {
      status.outcome = text;
      lookAround().then(
        (seen) => {
          inventory = seen;
        },
        (error: Error) => say(`the disks cannot be listed: ${error.message}`),
      );
    },
    log: say,
    after: (delayMs) => sleep(delayMs),
  });

  stop.addEventListener('abort', () => ended.resolve(), { once: true });
  session.start();
  await ended.promise;
  await jobs.stop(new BtyError('CANCELLED', 'the agent was told to stop'));
  session.stop('the agent ends');
  stopScreen();
}
