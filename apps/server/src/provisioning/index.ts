export { InstallationKeyEntity } from './installation-key.entity.js';
export { InstallationKeyRepository } from './installation-key.repository.js';
export { MODE_NEEDS } from './mode-needs.js';
export { NamedKeys } from './named-keys.service.js';
export { newSshKeyPair, type SshKeyPair } from './openssh-key.js';
export { ProvisioningModule } from './provisioning.module.js';
export {
  type JobSeed,
  NO_SEED_TEXTS,
  type ProvisioningPlan,
  planProvisioning,
  type SeedTexts,
  seedFiles,
} from './seed.js';
export { SeedTextsPut, toSeedTexts } from './seed-texts.dto.js';
