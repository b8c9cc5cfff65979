export { BootModule } from './boot.module.js';
export { BootFiles } from './boot-files.service.js';
