export { PxeModule } from './pxe.module.js';
