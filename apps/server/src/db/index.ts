export { bigintNumber } from './bigint-number.js';
export { openPool } from './connection.js';
export { DatabaseModule } from './database.module.js';
export { isDatabaseOutage, isUniqueViolation, isUnstorableText } from './database-error.js';
export type { DatabaseTarget } from './database-target.js';
export { EmbeddedPostgres, embeddedTarget } from './embedded-postgres.js';
export { milliseconds, orderByKeyset, type SortColumn } from './keyset.js';
export { plainRow, plainRows } from './plain-rows.js';
export { storable } from './storable.js';
