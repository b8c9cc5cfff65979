import { BtyError } from '@bty/wire-types';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { Passwords } from './passwords.service.js';
import { UsersRepository } from './users.repository.js';

const USERNAME = 'admin';

/** The first user of an installation, when `BTY_ADMIN_PASSWORD` is set. Later the user's own password counts. */
@Injectable()
export class AdminUserService implements OnApplicationBootstrap {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { adminPassword } = this.config;
    if (adminPassword === undefined || (await this.users.find(USERNAME)) !== undefined) return;
    const fields = { role: 'admin', enabled: true, passwordHash: await this.passwords.hash(adminPassword) } as const;
    try {
      await this.users.add(USERNAME, fields, { name: 'server' });
    } catch (error) {
      // Another replica was faster.
      if (!(error instanceof BtyError && error.code === 'CONFLICT')) throw error;
    }
  }
}
