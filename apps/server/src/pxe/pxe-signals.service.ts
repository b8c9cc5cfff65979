import type { MacAddress } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { MachinesRepository, noSuchMachine } from '../machines/index.js';
import { RunAfterFlash } from '../runs/index.js';

/** Takes what scripts and flashed systems have to say. */
@Injectable()
export class PxeSignals {
  private readonly log = new Logger('Pxe');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly machines: MachinesRepository,
    private readonly runs: RunAfterFlash,
  ) {}

  /**
   * The completion signal of a script, or of a person's flash at the console. Throws NOT_FOUND for a machine without a
   * record. With policy `tui` the next boot is the disk's: else the machine would come back to the console that it left.
   */
  async done(mac: MacAddress, ip: string, now: Date): Promise<void> {
    const actor = { name: `pxe:${mac}`, ip };
    if (!(await this.machines.markFlashed(mac, actor, now))) throw noSuchMachine(mac);
    const machine = await this.machines.find(mac);
    const seconds = this.config.firstBootWindowSeconds;
    if (machine?.bootPolicy === 'tui' && seconds > 0) {
      await this.machines.openFirstBootWindow(mac, new Date(now.getTime() + seconds * 1000));
    }
    await this.runs.done(mac, actor, now);
  }

  /** The machine's own system is up, and this is where it can be reached. Throws NOT_FOUND as `done` does. */
  async booted(mac: MacAddress, ip: string, now: Date): Promise<void> {
    if (!(await this.machines.markBooted(mac, { name: `booted:${mac}`, ip }, now))) throw noSuchMachine(mac);
    this.log.log(`${mac} has booted its own system at ${ip}`);
  }
}
