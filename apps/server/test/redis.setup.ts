import type { TestProject } from 'vitest/node';
import { RedisProcess } from './redis-process.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the queues of this project are; Postgres, when it is not provided. */
    redisUrl?: string;
  }
}

/** One real Redis for all tests of the project; each server gets a database of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await RedisProcess.start();
  project.provide('redisUrl', redis.url);
  return () => redis.discard();
}
