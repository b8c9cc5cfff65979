/** What belongs to one machine, and is named by an id. */
export type MachineThing = 'machine' | 'flash job' | 'run';

/** Port: how the check of access learns which machines a pool has. */
export abstract class PoolMembers {
  /** Whether a machine, by its MAC address, or the machine of a job or a run, by its id, is in the pool now. */
  abstract contains(pool: string, thing: MachineThing, id: string): Promise<boolean>;
}
