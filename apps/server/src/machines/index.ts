export { MachineEntity } from './machine.entity.js';
export { MACS_OF_BOX, MachineBoxesRepository } from './machine-boxes.repository.js';
export { type ConditionSummary, MachineCondition } from './machine-condition.port.js';
export { seedTextsOf } from './machine-fields.js';
export {
  AgentPresence,
  type FlashUnderWay,
  type JobSummary,
  type MachineJobSummaries,
  MachineJobs,
} from './machine-jobs.port.js';
export { MachineNicEntity } from './machine-nic.entity.js';
export { MachinesModule } from './machines.module.js';
export { type MachineSelector, MachinesRepository, noSuchMachine } from './machines.repository.js';
export { WorkflowNames } from './workflow-names.port.js';
