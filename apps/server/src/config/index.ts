export { type Config, parseConfig, readConfig } from './config.js';
export { CONFIG, ConfigModule } from './config.module.js';
export { SettingError } from './setting.js';
