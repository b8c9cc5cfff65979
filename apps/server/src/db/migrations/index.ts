import { FirstTables1795379789221 } from './1795379789221-first-tables.js';
import { MachineNics1795646507320 } from './1795646507320-machine-nics.js';
import { PreparedImages1795648800000 } from './1795648800000-prepared-images.js';
import { CloudInitSeeds1795648900000 } from './1795648900000-cloud-init-seeds.js';
import { WorkflowsAndRuns1795649493981 } from './1795649493981-workflows-and-runs.js';
import { Accounts1795668721729 } from './1795668721729-accounts.js';
import { MachineRevision1795670000000 } from './1795670000000-machine-revision.js';
import { FlashJobReports1795670100000 } from './1795670100000-flash-job-reports.js';
import { EventOrder1795670200000 } from './1795670200000-event-order.js';
import { FlashOrders1795670300000 } from './1795670300000-flash-orders.js';
import { Webhooks1795670400000 } from './1795670400000-webhooks.js';
import { CheckJobs1795671200000 } from './1795671200000-check-jobs.js';
import { UserRevision1795672000000 } from './1795672000000-user-revision.js';
import { AgentPresences1795674000000 } from './1795674000000-agent-presences.js';
import { GuessCounts1795674100000 } from './1795674100000-guess-counts.js';
import { MachinesByTag1795674200000 } from './1795674200000-machines-by-tag.js';

/** Every migration, oldest first. A list rather than a glob: it is the same in the build, the tests and a bundle. */
export const MIGRATIONS = [
  FirstTables1795379789221,
  MachineNics1795646507320,
  PreparedImages1795648800000,
  CloudInitSeeds1795648900000,
  WorkflowsAndRuns1795649493981,
  Accounts1795668721729,
  MachineRevision1795670000000,
  FlashJobReports1795670100000,
  EventOrder1795670200000,
  FlashOrders1795670300000,
  Webhooks1795670400000,
  CheckJobs1795671200000,
  UserRevision1795672000000,
  AgentPresences1795674000000,
  GuessCounts1795674100000,
  MachinesByTag1795674200000,
];
