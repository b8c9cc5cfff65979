import { FirstTables1795379789221 } from './1795379789221-first-tables.js';

/** Every migration, oldest first. A list rather than a glob: it is the same in the build, the tests and a bundle. */
export const MIGRATIONS = [FirstTables1795379789221];
