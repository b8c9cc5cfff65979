export { SandboxModule } from './sandbox.module.js';
export { Sandbox, type SandboxOrder, type SandboxOutcome, type StopReason } from './sandbox.service.js';
export { removeStaleFolders } from './sandbox-folder.js';
export { RELAY_PORT, SANDBOX_LIMITS } from './sandbox-limits.js';
