import type { SessionState, SessionStore } from './session-store.js';

/** Keeps the session state as the file does, through JSON, so that a restart can be played. */
export class MemoryStore implements SessionStore {
  json: string;

  constructor(before?: MemoryStore) {
    this.json = before?.json ?? JSON.stringify({ nonce: 'n'.repeat(32), outbox: { nextSeq: 1, unacknowledged: [] } });
  }

  get state(): SessionState {
    return JSON.parse(this.json) as SessionState;
  }

  update(change: Partial<SessionState>): void {
    this.json = JSON.stringify({ ...this.state, ...change });
  }

  forgetSession(): void {
    const { session: _forgotten, ...rest } = this.state;
    this.json = JSON.stringify(rest);
  }
}
