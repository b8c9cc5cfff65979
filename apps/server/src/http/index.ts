export { Access } from './access.decorator.js';
export { AccessGuard } from './access.guard.js';
export { ApiProblems } from './api-problems.decorator.js';
export { baseUrlFor } from './base-url.js';
export {
  type Actor,
  actorOf,
  addressOf,
  agentOf,
  type Caller,
  forwardedAddress,
  poolOf,
  type RequestingAgent,
  requiredCaller,
  setAgent,
  setCaller,
} from './caller.js';
export { ifMatchHolds } from './conditions.js';
export { FailureDto } from './failure.dto.js';
export { IDLE_TIMEOUT_MS, inSilence } from './in-silence.js';
export { isUpload, JSON_BODY, refuseForbiddenFields, refuseOtherContent } from './json-body.js';
export { MacPipe } from './mac.pipe.js';
export { mergePatch } from './merge-patch.js';
export { cutPage, PageQuery } from './page.dto.js';
export { type MachineThing, PoolMembers } from './pool-members.port.js';
export { ProblemFilter } from './problem.filter.js';
export { readBody } from './read-body.js';
export { type RevisionCheck, revisionCheck, sendRecord } from './record-etag.js';
export { ChecksRevision, ChecksRevisionOrNone, ReadsRecord, SendsRecord } from './record-routes.decorator.js';
export { mayActAs, ROLES, type Role } from './role.js';
export { type OpenFile, sendFile } from './send-file.js';
export { type PageStart, readPageStart, readSort, type Sort, writePageStart } from './sort.js';
export { invalidFields, validationPipe } from './validation.js';
