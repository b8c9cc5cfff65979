import type { SegmentDone, SegmentTask } from '../engine/segment.js';
import type { Crew } from './crew.js';

/** Several crews as one: a segment goes to the one that has the most room for it. */
export class JointCrew implements Crew {
  readonly threads: number;
  readonly capacity: number;
  readonly #members: { crew: Crew; busy: number }[];

  constructor(crews: readonly Crew[]) {
    this.threads = crews.reduce((sum, { threads }) => sum + threads, 0);
    this.capacity = crews.reduce((sum, { capacity }) => sum + capacity, 0);
    this.#members = crews.map((crew) => ({ crew, busy: 0 }));
  }

  async run(task: SegmentTask): Promise<SegmentDone> {
    const room = ({ crew, busy }: { crew: Crew; busy: number }): number => (crew.capacity - busy) / crew.capacity;
    const member = this.#members.reduce((best, one) => (room(one) > room(best) ? one : best));
    member.busy += 1;
    try {
      return await member.crew.run(task);
    } finally {
      member.busy -= 1;
    }
  }

  abort(reason: Error): void {
    for (const { crew } of this.#members) crew.abort(reason);
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ crew }) => crew.close()));
  }
}
