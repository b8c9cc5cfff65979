import { describe, expect, it } from 'vitest';
import { Slots } from './slots.js';

const NEVER = new AbortController().signal;
const tick = () => new Promise((resolve) => setImmediate(resolve));

function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, open: resolve };
}

describe('Slots', () => {
  it('lets so many work at once, the others in the order in which they came', async () => {
    const slots = new Slots(2);
    const gates = [gate(), gate(), gate(), gate()];
    const begun: number[] = [];
    const runs = gates.map(({ work }, index) =>
      slots.run(() => {
        begun.push(index);
        return work();
      }, NEVER),
    );
    await tick();
    expect(begun).toEqual([0, 1]);
    gates[1]?.open();
    await tick();
    expect(begun).toEqual([0, 1, 2]);
    for (const { open } of gates) open();
    await Promise.all(runs);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('lets go of whoever gives up waiting, and gives nobody’s slot away twice', async () => {
    const slots = new Slots(1);
    const first = gate();
    const running = slots.run(first.work, NEVER);
    const abort = new AbortController();
    const waiting = slots.run(async () => 'never', abort.signal);
    abort.abort(new Error('gave up'));
    await expect(waiting).rejects.toThrow('gave up');
    first.open();
    await running;
    expect(await slots.run(async () => 'free', NEVER)).toBe('free');
    expect(await slots.run(async () => 'again', NEVER)).toBe('again');
  });

  it('frees the slot of work that fails', async () => {
    const slots = new Slots(1);
    const failing = slots.run(async () => {
      throw new Error('failed');
    }, NEVER);
    await expect(failing).rejects.toThrow('failed');
    expect(await slots.run(async () => 'free', NEVER)).toBe('free');
  });
});
