import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { InstallationKeyEntity } from './installation-key.entity.js';
import { InstallationKeyRepository } from './installation-key.repository.js';
import { NamedKeys } from './named-keys.service.js';

/** What configures a system after its flash. */
@Module({
  imports: [TypeOrmModule.forFeature([InstallationKeyEntity])],
  providers: [InstallationKeyRepository, NamedKeys],
  exports: [InstallationKeyRepository, NamedKeys],
})
export class ProvisioningModule {}
