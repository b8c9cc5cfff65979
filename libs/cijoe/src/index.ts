export { checkConfig, checkProblem, cijoeCheckCommand } from './check.js';
export { type CijoePlaces, cijoeCommand, cijoeReportCommand } from './command.js';
export { type WorkflowFailure, workflowFailure } from './workflow-failure.js';
