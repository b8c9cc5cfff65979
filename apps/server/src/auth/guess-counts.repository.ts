import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';

/** How often something may be tried. */
export interface GuessLimit {
  readonly what: string;
  readonly points: number;
  readonly seconds: number;
}

/** Counts what all servers see: who guesses has no more tries for there being more of them. */
@Injectable()
export class GuessCounts {
  constructor(@InjectDataSource() private readonly source: DataSource) {}

  limiter({ what, points, seconds }: GuessLimit): RateLimiterPostgres {
    return new RateLimiterPostgres({
      storeClient: this.source,
      storeType: 'typeorm',
      tableName: 'guess_counts',
      tableCreated: true,
      keyPrefix: what,
      points,
      duration: seconds,
      // Whoever goes on costs no more writes.
      inMemoryBlockOnConsumed: points + 1,
    });
  }

  /** What stands for somebody in the counts. */
  keyOf(...who: readonly string[]): string {
    return createHash('sha256').update(JSON.stringify(who)).digest('hex');
  }
}
