import { hostname } from 'node:os';
import type { WorkerId } from './worker-id.js';

/** What this process is called when it carries out runs. */
export const THIS_WORKER: WorkerId = { host: hostname(), pid: process.pid, random: crypto.randomUUID() };
