import { Injectable } from '@nestjs/common';
import { InstallationKeyRepository, NamedKeys } from '../provisioning/index.js';

/** Finds the private key that a machine's record means. */
@Injectable()
export class SshCredentials {
  constructor(
    private readonly installation: InstallationKeyRepository,
    private readonly named: NamedKeys,
  ) {}

  /** The named key, or the installation's own. Throws NOT_FOUND when the named one is gone. */
  async privateKeyFor(name: string | null): Promise<string> {
    return name === null ? (await this.installation.pair()).privateKey : this.named.privateKey(name);
  }
}
