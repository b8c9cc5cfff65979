import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import type { Actor } from '../http/index.js';
import { type MachineEntity, MachinesRepository, noSuchMachine } from '../machines/index.js';
import { type AddressCandidate, addressCandidates } from './address-candidates.js';
import { neighbourAddress } from './arp-table.js';
import { readProbe, strangerReason } from './probe.js';
import { SshClient, type SshTarget } from './ssh-client.service.js';
import { SshCredentials } from './ssh-credentials.service.js';

const PROBE_LIMIT_MS = 15_000;
const PROBE_OUTPUT_BYTES = 256 * 1024;
/** What is said when every address fails in its own way: what tells most comes first. */
const TELLING = ['SYSTEM_STARTING', 'HOST_KEY_CHANGED', 'WRONG_MACHINE', 'SSH_UNREACHABLE'];

/** A flashed system that has proved to be the one of its machine. */
export interface FoundSystem extends SshTarget {
  /** What the record calls it. */
  readonly hostname: string | null;
}

/** Finds the flashed system of a machine on the network, and makes sure that it is the one. */
@Injectable()
export class SystemFinder {
  private readonly probe = readFile(join(import.meta.dirname, 'probe.sh'), 'utf8');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly credentials: SshCredentials,
    private readonly ssh: SshClient,
  ) {}

  /**
   * Tries every address at which the machine may be, once. The host keys of the first system that proves to be it are
   * pinned until the next flash. Throws what tells most when none does: SSH_UNREACHABLE, WRONG_MACHINE, HOST_KEY_CHANGED,
   * SYSTEM_STARTING while its cloud-init is at work;
   * and NOT_FOUND when the record or its key is gone.
   */
  async find(mac: MacAddress, actor: Actor, signal?: AbortSignal): Promise<FoundSystem> {
    const machine = await this.machines.find(mac);
    if (machine === undefined) throw noSuchMachine(mac);
    const privateKey = await this.credentials.privateKeyFor(machine.sshKey);
    const failures: BtyError[] = [];
    for (const candidate of await this.candidates(machine)) {
      try {
        return await this.verify(machine, candidate, privateKey, actor, signal);
      } catch (error) {
        if (!(error instanceof BtyError) || !TELLING.includes(error.code)) throw error;
        failures.push(error);
      }
    }
    const [first] = failures.toSorted((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code));
    throw first ?? new BtyError('SSH_UNREACHABLE', `no address of ${mac} is known yet`);
  }

  private async candidates(machine: MachineEntity): Promise<AddressCandidate[]> {
    const table = await readFile('/proc/net/arp', 'utf8');
    const { sshHost, bootedIp, lastSeenIp } = machine;
    return addressCandidates({ sshHost, bootedIp, lastSeenIp, neighbourIp: neighbourAddress(table, machine.mac) });
  }

  private async verify(
    machine: MachineEntity,
    { address, source }: AddressCandidate,
    privateKey: string,
    actor: Actor,
    signal: AbortSignal | undefined,
  ): Promise<FoundSystem> {
    const pinned = machine.sshHostKeys ?? [];
    const target = { address, user: machine.sshUser, privateKey, hostKeys: pinned };
    const order = {
      script: await this.probe,
      as: 'user',
      timeLimitMs: PROBE_LIMIT_MS,
      maxOutputBytes: PROBE_OUTPUT_BYTES,
    } as const;
    const { stdout, hostKeys } = await this.ssh.run(target, order, signal).catch((error: unknown) => {
      if (error instanceof BtyError && ['TIME_LIMIT', 'LIMIT_EXCEEDED'].includes(error.code)) {
        throw new BtyError('SSH_UNREACHABLE', `${address}: ${error.message}`, { cause: error });
      }
      throw error;
    });
    const found = readProbe(stdout);
    const reason = found === undefined ? 'it does not say what it is' : strangerReason(found, machine.mac);
    if (reason !== undefined || found === undefined) {
      throw new BtyError('WRONG_MACHINE', `${address} (${source}) answers, but ${reason}`, {
        details: { address, source },
      });
    }
    if (found.settingUp) {
      throw new BtyError(
        'SYSTEM_STARTING',
        `${address} (${source}) is the machine, and its cloud-init is still at work`,
      );
    }
    // What it was reached by, and the keys of the other kinds that it has told over that connection.
    const all = [...new Set([...hostKeys, ...(pinned.length > 0 ? [] : found.hostKeys)])];
    if (pinned.length === 0) await this.machines.setHostKeys(machine.mac, all, actor);
    return { ...target, hostKeys: all, hostname: machine.hostname };
  }
}
