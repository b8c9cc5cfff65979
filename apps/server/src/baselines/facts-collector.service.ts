import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { MachinesRepository } from '../machines/index.js';
import { SshClient, type SshTarget } from '../ssh/index.js';
import { type Facts, hardwareFacts, readFacts } from './facts.js';

const TIME_LIMIT_MS = 180_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Finds out what a flashed system looks like. */
@Injectable()
export class FactsCollector {
  private readonly script = readFile(join(import.meta.dirname, 'facts.sh'), 'utf8');

  constructor(
    private readonly ssh: SshClient,
    private readonly machines: MachinesRepository,
  ) {}

  /**
   * Collects the facts of a system over SSH, and what the agent last saw of the hardware. Throws FACTS_INCOMPLETE, and what
   * the SSH client throws.
   */
  async collect(mac: MacAddress, system: SshTarget, signal?: AbortSignal): Promise<Facts> {
    const limits = { timeLimitMs: TIME_LIMIT_MS, maxOutputBytes: MAX_OUTPUT_BYTES };
    const { stdout, stderr } = await this.ssh.run(system, { script: await this.script, as: 'root', ...limits }, signal);
    const facts = readFacts(stdout);
    if (facts === undefined) {
      const words = stderr.trim().slice(-300) || 'it says nothing';
      throw new BtyError('FACTS_INCOMPLETE', `${system.address} does not tell what it looks like: ${words}`);
    }
    const inventory = (await this.machines.find(mac))?.inventory ?? undefined;
    return inventory === undefined ? facts : { ...facts, hardware: hardwareFacts(inventory) };
  }
}
