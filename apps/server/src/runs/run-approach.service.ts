import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError, type MacAddress } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { type FoundSystem, SystemFinder } from '../ssh/index.js';
import type { RunLog } from './run-log.js';

const PAUSE_MS = 1_000;
/** What may pass: the system is still booting, or an address still leads to somebody else. */
const PASSING = ['SSH_UNREACHABLE', 'SYSTEM_STARTING', 'WRONG_MACHINE', 'HOST_KEY_CHANGED'];
const WORKER = { name: 'worker' } as const;

/** Waits until the flashed system of a machine answers. */
@Injectable()
export class RunApproach {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly finder: SystemFinder,
  ) {}

  /**
   * Tries until the system of the machine answers over SSH and has proved to be it. Throws why it did not when the time is
   * over, and the reason of the signal.
   */
  async reach(mac: string, log: RunLog, signal: AbortSignal): Promise<FoundSystem> {
    const seconds = this.config.runSshTimeoutSeconds;
    const deadline = Date.now() + seconds * 1000;
    log.say(`waiting for the system of ${mac} to answer over SSH, up to ${seconds} s`);
    const said = new Set<string>();
    for (;;) {
      signal.throwIfAborted();
      try {
        const system = await this.finder.find(mac as MacAddress, WORKER, signal);
        log.say(`${system.address} is ${mac}; its host keys are pinned`);
        return system;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof BtyError) || !PASSING.includes(error.code)) throw error;
        // Two of them may take turns for minutes.
        if (!said.has(error.message)) log.say(`not yet: ${error.message}`);
        said.add(error.message);
        if (Date.now() > deadline) {
          throw new BtyError(error.code, `no answer within ${seconds} s; last: ${error.message}`, { cause: error });
        }
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
