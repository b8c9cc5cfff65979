import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRef } from '@bty/wire-types';
import type { OutboxState } from './outbox.js';

/** What the agent must not forget when it is restarted within one boot. */
export interface SessionState {
  /** Makes the exchange of the boot token the same exchange when it is repeated. */
  nonce: string;
  session?: string;
  outbox: OutboxState;
  /** The last attempt that came to an end: handed out again, it is not begun again. */
  lastFinished?: JobRef;
}

/** Where the state is kept. */
export interface SessionStore {
  readonly state: SessionState;
  update(change: Partial<SessionState>): void;
  forgetSession(): void;
}

function fresh(): SessionState {
  return { nonce: randomBytes(24).toString('base64url'), outbox: { nextSeq: 1, unacknowledged: [] } };
}

function load(path: string): SessionState {
  try {
    return { ...fresh(), ...(JSON.parse(readFileSync(path, 'utf8')) as SessionState) };
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    // A torn file is worth as much as none: the server knows what it acknowledged.
    if (absent || error instanceof SyntaxError) return fresh();
    throw error;
  }
}

/** Keeps the state in one file below `folder`, readable by root only, replaced in one step. */
export function openSessionFile(folder: string, onProblem: (problem: string) => void): SessionStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'session');
  let state = load(path);
  const save = (next: SessionState): void => {
    state = next;
    try {
      writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      // ENOSPC: the live env's memory is full. The flash goes on; only a restart of the agent would notice.
      onProblem(`the session cannot be kept: ${(error as Error).message}`);
    }
  };
  save(state);
  return {
    get state() {
      return state;
    },
    update: (change) => save({ ...state, ...change }),
    forgetSession: () => {
      const { session: _forgotten, ...rest } = state;
      save(rest);
    },
  };
}
