import { describe, expect, it } from 'vitest';
import { FlashTurns } from './flash-turns.js';

const REF = { job_id: 'a', epoch: 1 };

describe('two who may flash one machine', () => {
  it("lets the server's job wait for the person, and says so", async () => {
    const turns = new FlashTurns();
    const { promise: person, resolve: finish } = Promise.withResolvers<string>();
    const order: string[] = [];
    const first = turns.forPerson(() => person).then((text) => order.push(text));
    const second = turns.forServer(REF, async () => void order.push('server'));
    await Promise.resolve();
    expect(turns.waiting).toEqual(REF);
    finish('person');
    await Promise.all([first, second]);
    expect([order, turns.waiting]).toEqual([['person', 'server'], undefined]);
  });

  it("refuses the person while the server's job is on, and not after it", async () => {
    const turns = new FlashTurns();
    const { promise, reject } = Promise.withResolvers<void>();
    const job = turns.forServer(REF, () => promise);
    await expect(turns.forPerson(async () => 'no')).rejects.toMatchObject({ code: 'JOB_ACTIVE' });
    reject(new Error('the job failed'));
    await expect(job).rejects.toThrow('the job failed');
    expect(await turns.forPerson(async () => 'yes')).toBe('yes');
  });
});
