export { MachineEntity } from './machine.entity.js';
export { AgentPresence, type JobSummary, type MachineJobSummaries, MachineJobs } from './machine-jobs.port.js';
export { MachinesModule } from './machines.module.js';
export { MachinesRepository, noSuchMachine } from './machines.repository.js';
