import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import { InstallationKeyEntity } from './installation-key.entity.js';
import { newSshKeyPair, type SshKeyPair } from './openssh-key.js';

const NAME = 'ssh';
const COMMENT = 'bty';

/** The installation's SSH key pair: made when it is first needed, the same for every replica. */
@Injectable()
export class InstallationKeyRepository {
  private known: string | undefined;

  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  async pair(): Promise<SshKeyPair> {
    const keys = this.source.getRepository(InstallationKeyEntity);
    const kept = await keys.findOneBy({ name: NAME });
    if (kept !== null) return kept;
    await this.make();
    return keys.findOneByOrFail({ name: NAME });
  }

  /** Never changes, so it is asked for once. */
  async publicKey(): Promise<string> {
    this.known ??= (await this.pair()).publicKey;
    return this.known;
  }

  private async make(): Promise<void> {
    const row = { name: NAME, ...newSshKeyPair(COMMENT) };
    await this.source.transaction(async (manager) => {
      const insertion = manager.createQueryBuilder().insert().into(InstallationKeyEntity).values(row);
      // Somebody may be making one at the same moment: the first one counts.
      const { raw } = await insertion.orIgnore().returning('name').execute();
      if ((raw as unknown[]).length === 0) return;
      const change = { subject: `key/${NAME}`, action: 'key.created', actor: { name: 'server' } };
      await this.events.append(manager, { ...change, after: { public_key: row.publicKey } });
    });
  }
}
