export { type Config, parseConfig, readConfig, type TlsSettings } from './config.js';
export { CONFIG, ConfigModule } from './config.module.js';
export { SettingError } from './setting.js';
