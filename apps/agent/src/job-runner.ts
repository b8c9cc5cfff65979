import {
  BtyError,
  type CheckResult,
  type CheckStart,
  type FlashFailure,
  type FlashStart,
  type JobRef,
  type JobStart,
  PROTOCOL_LIMITS,
  toBtyError,
} from '@bty/wire-types';
import { checkSentence } from './check-findings.js';
import type { FlashOutcome } from './pipeline.js';
import { type Order, sameJob } from './session/agent-session.js';
import { logParts } from './session/log-parts.js';
import type { Report } from './session/outbox.js';

/** What carrying out orders needs. */
export interface JobPorts {
  flash(order: FlashStart, signal: AbortSignal): Promise<FlashOutcome>;
  check(order: CheckStart, signal: AbortSignal): Promise<CheckResult>;
  /** Whether this boot was for a job, and not for a person at the console. */
  bootedForJob: boolean;
  /** Resolves when the server has stored the report. */
  report(report: Report): Promise<void>;
  /** The own log and the kernel's, for a failed job. */
  collectLog(): Promise<string>;
  lastFinished(): JobRef | undefined;
  setLastFinished(ref: JobRef): void;
  /** Asks for the disk as next boot; returns what was done. */
  bootDiskNext(flashed: FlashOutcome): Promise<string>;
  /** Does not return in the live env. */
  reboot(): Promise<void>;
  /** Shows what came of a job, and that nothing is being done. */
  onOutcome(text: string): void;
  /** Shows that the machine waits for its turn. */
  onWait(text: string): void;
  log(line: string): void;
  after(delayMs: number): Promise<void>;
}

interface Running {
  ref: JobRef;
  abort: AbortController;
  done: Promise<void>;
}

const REBOOTING_ACK_MS = 15_000;
const MAX_MESSAGE_CHARS = 4096;

/** Carries out one order at a time; a newer order ends the older one first, so that never two write. */
export class JobRunner {
  #running: Running | undefined;
  #reported = false;
  #rebooting = false;
  #stopped = false;

  constructor(private readonly ports: JobPorts) {}

  /** The attempt that is being carried out and has no result yet. */
  currentJob(): JobRef | undefined {
    return this.#reported ? undefined : this.#running?.ref;
  }

  handle(order: Order): void {
    switch (order.type) {
      case 'flash.start':
      case 'check.start':
        this.#start(order);
        break;
      case 'flash.wait':
        this.ports.onWait(`Waiting for its turn: ${order.ahead} other machines are ahead.`);
        break;
      case 'flash.cancel':
        if (this.#running !== undefined && sameJob(order, this.#running.ref)) {
          this.#running.abort.abort(new BtyError(order.code, `cancelled by the server: ${order.reason}`));
        }
        break;
      case 'agent.reboot':
        this.#rebootIdle(order.reason);
    }
  }

  /** Ends whatever is being written, and returns when nothing writes any more. */
  async stop(reason: BtyError): Promise<void> {
    this.#stopped = true;
    this.#running?.abort.abort(reason);
    await this.#running?.done;
  }

  #start(order: JobStart): void {
    const ref = { job_id: order.job_id, epoch: order.epoch };
    const before = this.#running;
    const last = this.ports.lastFinished();
    if (this.#rebooting || (before !== undefined && sameJob(ref, before.ref))) return;
    if (last !== undefined && sameJob(ref, last)) return;
    if (before?.ref.job_id === ref.job_id && before.ref.epoch > ref.epoch) return;
    before?.abort.abort(new BtyError('STALE_EPOCH', 'the server has handed out a newer order'));
    const abort = new AbortController();
    const done = (before?.done ?? Promise.resolve()).then(() => this.#carryOut(order, ref, abort.signal));
    this.#running = { ref, abort, done };
  }

  async #carryOut(order: JobStart, ref: JobRef, signal: AbortSignal): Promise<void> {
    this.#reported = false;
    const name = order.image.name;
    try {
      if (order.type === 'check.start') {
        this.ports.log(`job ${ref.job_id} epoch ${ref.epoch}: check against ${name}`);
        await this.#check(order, ref, signal);
      } else {
        this.ports.log(`job ${ref.job_id} epoch ${ref.epoch}: flash ${name}, verify ${order.verify}`);
        await this.#flash(order, ref, signal);
      }
    } finally {
      if (this.#running !== undefined && sameJob(this.#running.ref, ref)) this.#running = undefined;
    }
  }

  async #flash(order: FlashStart, ref: JobRef, signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted();
      const flashed = await this.ports.flash(order, signal);
      this.#finish(ref);
      await this.#succeed(ref, flashed);
    } catch (thrown) {
      this.#finish(ref);
      void (await this.#fail(ref, 'flash.finished', toBtyError(thrown)));
    }
  }

  /** A check leaves the machine as it was: one that was started for it boots its disk again, whatever came of it. */
  async #check(order: CheckStart, ref: JobRef, signal: AbortSignal): Promise<void> {
    const returns = this.ports.bootedForJob && this.ports.lastFinished() === undefined;
    let told: Promise<unknown>;
    try {
      signal.throwIfAborted();
      const result = await this.ports.check(order, signal);
      this.#finish(ref);
      this.#rebooting = returns;
      this.ports.onOutcome(checkSentence(result, result.target.path));
      told = this.ports.report({ type: 'check.finished', ...ref, outcome: 'succeeded', result });
    } catch (thrown) {
      const error = toBtyError(thrown);
      this.#finish(ref);
      // Not when the server has another order for this machine, or the agent is to end.
      this.#rebooting = returns && error.code !== 'STALE_EPOCH' && !this.#stopped;
      told = Promise.all(await this.#fail(ref, 'check.finished', error));
    }
    if (!this.#rebooting) return;
    await told;
    await this.#announceReboot(ref);
  }

  #finish(ref: JobRef): void {
    this.#reported = true;
    this.ports.setLastFinished(ref);
  }

  async #succeed(ref: JobRef, flashed: FlashOutcome): Promise<void> {
    this.#rebooting = true;
    const { result } = flashed;
    this.ports.onOutcome(`Flashed ${result.target.path}, verify ${result.verify}. Reporting, then rebooting.`);
    await this.ports.report({ type: 'flash.finished', ...ref, outcome: 'succeeded', result });
    try {
      this.ports.log(await this.ports.bootDiskNext(flashed));
    } catch (error) {
      // The server's first-boot window leads to the disk as well; the flash itself is done.
      this.ports.log(`the firmware could not be asked for the disk: ${(error as Error).message}`);
    }
    await this.#announceReboot(ref);
  }

  async #announceReboot(ref: JobRef): Promise<void> {
    const acknowledged = this.ports.report({ type: 'agent.rebooting', ...ref });
    await Promise.race([acknowledged, this.ports.after(REBOOTING_ACK_MS)]);
    await this.#reboot();
  }

  async #reboot(): Promise<void> {
    this.ports.log('rebooting');
    try {
      await this.ports.reboot();
    } catch (error) {
      this.#rebooting = false;
      this.ports.onOutcome(`The disk is ready, but the machine did not reboot: ${(error as Error).message}`);
    }
  }

  #rebootIdle(reason: string): void {
    if (this.#running !== undefined || this.#rebooting) return;
    this.#rebooting = true;
    this.ports.onOutcome(`The server says to boot the disk: ${reason}`);
    void this.#reboot();
  }

  /** Gives the reports; they are kept in the outbox until acknowledged, and the agent is free for the next order meanwhile. */
  async #fail(
    ref: JobRef,
    type: 'flash.finished' | 'check.finished',
    error: BtyError,
  ): Promise<readonly Promise<void>[]> {
    this.ports.onOutcome(`FAILED: ${error.message} [${error.code}]`);
    this.ports.log(`job ${ref.job_id} epoch ${ref.epoch} failed: ${error.code}: ${error.message}`);
    const failure: FlashFailure = {
      code: error.code,
      message: error.message.slice(0, MAX_MESSAGE_CHARS),
      details: { ...error.details },
    };
    const reports = [this.ports.report({ type, ...ref, outcome: 'failed', error: failure })];
    for (const [part, text] of logParts(await this.ports.collectLog()).entries()) {
      reports.push(this.ports.report({ type: 'flash.log', ...ref, part: PROTOCOL_LIMITS.maxOutputParts + part, text }));
    }
    return reports;
  }
}
