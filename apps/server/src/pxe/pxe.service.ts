import type { MacAddress } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { BootTokensRepository } from '../auth/index.js';
import { BootFiles } from '../boot/index.js';
import { CONFIG, type Config } from '../config/index.js';
import { FlashJobsRepository } from '../flash-jobs/index.js';
import { MachinesRepository } from '../machines/index.js';
import { type BootDecision, decideBoot } from './boot-decision.js';
import { type LiveEnvLayer, liveEnvScript, localScript } from './ipxe-script.js';

/** What a machine is that makes its first contact. */
const UNKNOWN_MACHINE = { bootPolicy: 'tui', firstBootUntil: null, provisioningMode: 'none' } as const;

/** Answers machines that boot from the network. */
@Injectable()
export class PxeService {
  private readonly log = new Logger('Pxe');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly machines: MachinesRepository,
    private readonly jobs: FlashJobsRepository,
    private readonly tokens: BootTokensRepository,
    private readonly bootFiles: BootFiles,
  ) {}

  /** Records a contact and renders the script for it. It makes no job. */
  async contact(mac: MacAddress, baseUrl: string, ip: string, now: Date): Promise<string> {
    const machine = await this.machines.contact(mac, { name: `pxe:${mac}`, ip }, now);
    const decision = decideBoot(machine, await this.jobs.activeOf(mac), now);
    this.log.log(`${mac} at ${ip}: ${decision.boot}: ${decision.reason}`);
    return this.render(decision, mac, baseUrl, now);
  }

  /** Length in bytes of what {@link contact} would answer now. It records nothing and makes no token. */
  async lengthOf(mac: MacAddress, baseUrl: string, now: Date): Promise<number> {
    const machine = (await this.machines.find(mac)) ?? UNKNOWN_MACHINE;
    const decision = decideBoot(machine, await this.jobs.activeOf(mac), now);
    const script = await this.text(decision, mac, baseUrl, 'x'.repeat(43));
    return Buffer.byteLength(script);
  }

  private async render(decision: BootDecision, mac: MacAddress, baseUrl: string, now: Date): Promise<string> {
    if (decision.boot !== 'live-env') return this.text(decision, mac, baseUrl, '');
    await this.machines.expectRun(mac);
    return this.text(decision, mac, baseUrl, await this.tokens.mint(mac, now));
  }

  private async text(decision: BootDecision, mac: MacAddress, baseUrl: string, token: string): Promise<string> {
    const { reason } = decision;
    if (decision.boot === 'local') {
      const version = await this.bootFiles.efiIpxeVersion();
      return localScript(reason, version === undefined ? undefined : { baseUrl, version });
    }
    // Without the layer there the agent says what is missing; with a name in vain the machine would never get so far.
    const cijoe = decision.cijoe && (await this.bootFiles.has('cijoe.initrd'));
    const layers: LiveEnvLayer[] = cijoe ? ['base', 'cijoe'] : ['base'];
    const extraArgs = this.config.kernelArgs;
    return liveEnvScript({ baseUrl, mac, mode: decision.mode, layers, token, extraArgs, reason });
  }
}
