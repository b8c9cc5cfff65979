/** What is wrong with a Redis for queues, read from its answer to `INFO memory`; undefined when nothing is. */
export function redisProblem(info: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const policy = field('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    return `Redis throws keys away when its memory is full; set its maxmemory-policy to noeviction, not ${policy}`;
  }
  const max = Number(field('maxmemory') ?? 0);
  const used = Number(field('used_memory') ?? 0);
  if (max > 0 && used >= max) return `Redis is full: it uses ${used} of ${max} bytes and takes no more orders`;
  return undefined;
}
