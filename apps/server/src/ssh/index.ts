export { SshModule } from './ssh.module.js';
export { SshClient, type SshTarget } from './ssh-client.service.js';
export { SshCredentials } from './ssh-credentials.service.js';
export { sshRelay } from './ssh-relay.js';
export { type FoundSystem, SystemFinder } from './system-finder.service.js';
