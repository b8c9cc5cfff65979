import { setTimeout as sleep } from 'node:timers/promises';
import { efiSystemPartition, readPrimaryGpt } from '@bty/image-format';
import { BtyError, type Firmware, type Inventory, type InventoryDisk } from '@bty/wire-types';
import { systemClock } from './clock/clock.js';
import { stepClock } from './clock/step-clock.js';
import { type AgentConfig, processEnvironment } from './config.js';
import type { EngineReport } from './engine/engine.js';
import { FlashTurns } from './flash-turns.js';
import { gatherInventory } from './inventory/gather-inventory.js';
import { type JobPorts, JobRunner } from './job-runner.js';
import { kernelLog } from './kernel-log.js';
import { AgentLog } from './log.js';
import { clearLeftovers } from './provision/leftovers.js';
import { bootDiskNext } from './reboot/next-boot.js';
import { rebootMachine } from './reboot/reboot-machine.js';
import { runCheck } from './run-check.js';
import { runCommand } from './run-command.js';
import { runFlash } from './run-flash.js';
import { ConsoleWriter } from './screen/console-writer.js';
import { startScreen } from './screen/screen.js';
import type { Status } from './screen/status.js';
import { AgentSession } from './session/agent-session.js';
import { fitInventory } from './session/fit-inventory.js';
import { openSessionFile, type SessionStore } from './session/session-store.js';
import { webSocketTo } from './session/web-socket.js';
import { listDisks } from './target/list-disks.js';
import { MACHINE_ROOTS } from './target/machine-roots.js';
import { findMemberships } from './target/signatures.js';
import { AGENT_VERSION } from './version.js';

/** One run of the agent: what its parts share. */
interface Run {
  config: AgentConfig;
  log: AgentLog;
  status: Status;
  store: SessionStore;
  inventory: Inventory;
  turns: FlashTurns;
  /** Ends the run. */
  end(): void;
}

/** Sets a lagging clock once; until the server has answered, it is tried before every connection. */
function clockStepper({ config, log }: Run): () => Promise<void> {
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
  const { serverUrl: server, mac, mode } = config;
  return { version: AGENT_VERSION, server, mac, mode, connection: 'starting', disks: [], job: undefined, outcome: '' };
}

async function lookAround({ onlyDisks }: AgentConfig, status: Status): Promise<Inventory> {
  status.disks = await listDisks(MACHINE_ROOTS, findMemberships, onlyDisks);
  return gatherInventory(MACHINE_ROOTS, status.disks);
}

function openSession(run: Run, jobs: () => JobRunner): AgentSession {
  const { config, log, status, store } = run;
  return new AgentSession({
    openSocket: webSocketTo(config.serverUrl),
    clock: systemClock,
    random: Math.random,
    store,
    bootToken: config.bootToken,
    beforeOpen: clockStepper(run),
    facts: () => ({
      mac: config.mac,
      mode: config.mode,
      agent_version: AGENT_VERSION,
      inventory: fitInventory(run.inventory),
    }),
    currentJob: () => jobs().currentJob(),
    onOrder: (order) => jobs().handle(order),
    onSuperseded: (reason) => void jobs().stop(new BtyError('STALE_EPOCH', `another agent has taken over: ${reason}`)),
    onState: (state) => {
      if (state !== status.connection) log.line(state);
      status.connection = state;
    },
  });
}

/** What a job does to this machine. Outside the live env neither firmware nor machine are touched. */
function machinePorts(run: Run, firmware: Firmware): Pick<JobPorts, 'bootDiskNext' | 'reboot' | 'collectLog'> {
  const { config, log } = run;
  return {
    collectLog: async () => `${log.text()}\n\nKernel messages:\n${await kernelLog()}`,
    bootDiskNext: async ({ result, bootPartition }) =>
      config.liveEnv
        ? await bootDiskNext(firmware, result.target.path, bootPartition)
        : 'not the live env: the firmware is left alone',
    reboot: async () => {
      if (config.liveEnv) return rebootMachine();
      log.line('not the live env: ending instead of rebooting');
      run.end();
    },
  };
}

function jobRunner(run: Run, session: AgentSession): JobRunner {
  const { config, log, status, store } = run;
  const say = (line: string): void => log.line(line);
  const around = {
    serverUrl: config.serverUrl,
    roots: MACHINE_ROOTS,
    onlyDisks: config.onlyDisks,
    session,
    sessionToken: () => store.state.session,
    status,
    clock: systemClock,
    workDir: config.stateDir,
    searchPath: config.searchPath,
    log: say,
  };
  return new JobRunner({
    ...machinePorts(run, run.inventory.firmware),
    flash: (order, signal) =>
      run.turns.forServer({ job_id: order.job_id, epoch: order.epoch }, () => {
        signal.throwIfAborted();
        return runFlash(order, around, signal);
      }),
    check: (order, signal) =>
      run.turns.forServer({ job_id: order.job_id, epoch: order.epoch }, () => {
        signal.throwIfAborted();
        return runCheck(order, around, signal);
      }),
    bootedForJob: config.mode === 'flash',
    report: (report) => session.report(report),
    lastFinished: () => store.state.lastFinished,
    setLastFinished: (lastFinished) => store.update({ lastFinished }),
    onOutcome: (text) => {
      status.outcome = text;
      // The next hello tells the disks as the job left them.
      lookAround(config, status).then(
        (inventory) => Object.assign(run, { inventory }),
        (error: Error) => say(`the disks cannot be listed: ${error.message}`),
      );
    },
    onWait: (text) => {
      if (text !== status.outcome) say(text);
      status.outcome = text;
    },
    log: say,
    after: (delayMs) => sleep(delayMs),
  });
}

/** Boots the disk that a person has flashed at the console. */
async function rebootInto({ config, log, inventory }: Run, disk: InventoryDisk, report: EngineReport): Promise<void> {
  if (!config.liveEnv) throw new BtyError('INVALID_REQUEST', 'this system is not rebooted from here');
  const reading = readPrimaryGpt(report.head);
  const partition = reading.kind === 'valid' ? efiSystemPartition(reading.gpt) : undefined;
  try {
    log.line(await bootDiskNext(inventory.firmware, disk.path, partition));
  } catch (error) {
    log.line(`the firmware could not be asked for the disk: ${(error as Error).message}`);
  }
  await rebootMachine();
}

/** Lets a person at the console flash this machine. The returned function ends it. */
async function startTui(run: Run, session: AgentSession): Promise<() => Promise<void>> {
  const { config, status, log, turns, store } = run;
  // what no live env without a person needs is not loaded there
  const { startAgentTui } = await import('./tui/agent-tui.js');
  return startAgentTui(config, {
    status,
    turns,
    clock: systemClock,
    searchPath: config.searchPath,
    environment: processEnvironment,
    log: (line) => log.line(line),
    reboot: (disk, report) => rebootInto(run, disk, report),
    sessionToken: () => store.state.session,
    progress: (progress) => session.progress(progress),
  });
}

/** Shows the agent's status on the consoles. */
function startStatusScreen(status: Status, { consoles }: AgentConfig): () => void {
  const writers = consoles.map((path) => new ConsoleWriter(path, () => systemClock.nowMs()));
  return startScreen(status, writers, systemClock);
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
  const log = new AgentLog(showLine, () => new Date());
  const status = freshStatus(config);
  const forPerson = config.mode === 'tui' && config.consoles.length > 0;
  const stopScreen = forPerson ? undefined : startStatusScreen(status, config);
  log.line(`bty agent ${AGENT_VERSION}, server ${config.serverUrl}, MAC ${config.mac}, mode ${config.mode}`);

  const leftovers = {
    workDir: config.stateDir,
    alone: config.liveEnv,
    run: runCommand,
    log: (line: string) => log.line(line),
  };
  await clearLeftovers(leftovers);
  const inventory = await lookAround(config, status);
  const store = openSessionFile(config.stateDir, (problem) => log.line(problem));
  const ended = Promise.withResolvers<void>();
  const run: Run = { config, log, status, store, inventory, turns: new FlashTurns(), end: () => ended.resolve() };
  const session: AgentSession = openSession(run, () => jobs);
  const jobs = jobRunner(run, session);

  stop.addEventListener('abort', run.end, { once: true });
  session.start();
  const stopTui = forPerson ? await startTui(run, session) : undefined;
  await ended.promise;
  await stopTui?.();
  await jobs.stop(new BtyError('CANCELLED', 'the agent was told to stop'));
  session.stop('the agent ends');
  stopScreen?.();
}
