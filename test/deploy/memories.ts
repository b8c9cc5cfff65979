/** All that a stack is meant to remember, for comparisons: records, history, and the bytes of its images. */
import { createHash } from 'node:crypto';
import type { Stack } from './stack.ts';

const RECORDS = ['machines', 'images', 'flash-jobs', 'runs', 'workflows', 'tokens', 'users'];
/** They tell what is going on at the moment. */
const PRESENT = ['last_used_at', 'last_used_ip', 'agent_connected', 'last_seen_at', 'updated_at', 'state'];

export async function memories(stack: Stack): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of RECORDS) {
    const records = await stack.api.call<Record<string, unknown>[]>('GET', `/${name}`);
    found[name] = records.map((record) =>
      Object.fromEntries(Object.entries(record).filter(([key]) => !PRESENT.includes(key))),
    );
    if (records.length === 0) throw new Error(`nothing to remember in ${name}`);
  }
  for (const image of await stack.api.call<{ name: string }[]>('GET', '/images')) {
    const response = await fetch(`${stack.baseUrl}/images/${image.name}`);
    const hash = createHash('sha256');
    for await (const part of response.body ?? []) hash.update(part);
    found[`bytes of ${image.name}`] = hash.digest('hex');
  }
  return found;
}
