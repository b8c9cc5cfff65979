import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EventStreams } from '../events/index.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { UserSessionsRepository } from './user-sessions.repository.js';

/** So long at most does a stream outlive the credential of its reader. */
const INTERVAL_MS = 2_000;

/** Ends the streams of events whose readers' credentials have expired or were revoked, at whichever replica. */
@Injectable()
export class ReaderCheck implements OnModuleDestroy {
  private readonly log = new Logger('Events');
  private readonly timer = setInterval(() => void this.check(new Date()), INTERVAL_MS).unref();

  constructor(
    private readonly streams: EventStreams,
    private readonly tokens: ApiTokensRepository,
    private readonly sessions: UserSessionsRepository,
  ) {}

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async check(now: Date): Promise<void> {
    const credentials = this.streams.callers.map(({ credential }) => credential);
    if (credentials.length === 0) return;
    const ids = credentials.map(({ id }) => id);
    const asked = new Set(ids);
    try {
      const [tokens, sessions] = await Promise.all([
        this.tokens.validAmong(ids, now),
        this.sessions.validAmong(ids, now),
      ]);
      // Whoever has come meanwhile was looked up just now.
      this.streams.endUnless(({ credential: { id } }) => !asked.has(id) || tokens.has(id) || sessions.has(id));
    } catch (error) {
      this.log.warn(`the credentials of readers cannot be checked: ${(error as Error).message}`);
    }
  }
}
