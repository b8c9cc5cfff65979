import type { MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import { MachinesRepository, noSuchMachine } from '../machines/index.js';
import { RunAfterFlash } from '../runs/index.js';

/** Takes what scripts and flashed systems have to say. */
@Injectable()
export class PxeSignals {
  private readonly log = new Logger('Pxe');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly runs: RunAfterFlash,
  ) {}

  /** The completion signal of a script. Throws NOT_FOUND for a machine without a record. */
  async done(mac: MacAddress, ip: string, now: Date): Promise<void> {
    const actor = { name: `pxe:${mac}`, ip };
    if (!(await this.machines.markFlashed(mac, actor, now))) throw noSuchMachine(mac);
    await this.runs.done(mac, actor, now);
  }

  /** The machine's own system is up, and this is where it can be reached. Throws NOT_FOUND as `done` does. */
  async booted(mac: MacAddress, ip: string, now: Date): Promise<void> {
    if (!(await this.machines.markBooted(mac, { name: `booted:${mac}`, ip }, now))) throw noSuchMachine(mac);
    this.log.log(`${mac} has booted its own system at ${ip}`);
  }
}
