export { ApiProblems } from './api-problems.decorator.js';
export { type Actor, actorOf, remoteAddress, setActor } from './caller.js';
export { ifMatchHolds } from './conditions.js';
export { FailureDto } from './failure.dto.js';
export { MacPipe } from './mac.pipe.js';
export { cutPage, PageQuery } from './page.dto.js';
export { ProblemFilter } from './problem.filter.js';
export { sendFile } from './send-file.js';
export { invalidFields, validationPipe } from './validation.js';
