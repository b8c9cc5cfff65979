export { SandboxModule } from './sandbox.module.js';
export { Sandbox, type SandboxOrder, type SandboxOutcome } from './sandbox.service.js';
export { removeStaleFolders } from './sandbox-folder.js';
export { RELAY_PORT } from './sandbox-limits.js';
