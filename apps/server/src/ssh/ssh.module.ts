import { Module } from '@nestjs/common';
import { MachinesModule } from '../machines/index.js';
import { ProvisioningModule } from '../provisioning/index.js';
import { SshClient } from './ssh-client.service.js';
import { SshCredentials } from './ssh-credentials.service.js';
import { SystemFinder } from './system-finder.service.js';

@Module({
  imports: [MachinesModule, ProvisioningModule],
  providers: [SshClient, SshCredentials, SystemFinder],
  exports: [SshClient, SystemFinder],
})
export class SshModule {}
