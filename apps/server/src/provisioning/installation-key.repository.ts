import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { InstallationKeyEntity } from './installation-key.entity.js';
import { newSshKeyPair, type SshKeyPair } from './openssh-key.js';

const NAME = 'ssh';
const COMMENT = 'bty';

/** The installation's SSH key pair: made when it is first needed, the same for every replica. */
@Injectable()
export class InstallationKeyRepository {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  async pair(): Promise<SshKeyPair> {
    const keys = this.source.getRepository(InstallationKeyEntity);
    const kept = await keys.findOneBy({ name: NAME });
    if (kept !== null) return kept;
    // Somebody may be making one at the same moment: the first one counts.
    await keys
      .createQueryBuilder()
      .insert()
      .values({ name: NAME, ...newSshKeyPair(COMMENT) })
      .orIgnore()
      .execute();
    return keys.findOneByOrFail({ name: NAME });
  }

  async publicKey(): Promise<string> {
    return (await this.pair()).publicKey;
  }
}
