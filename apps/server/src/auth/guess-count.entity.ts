import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintNumber } from '../db/index.js';

/** How often somebody has tried. The order of the columns is that of rate-limiter-flexible, which writes them. */
@Entity('guess_counts')
export class GuessCountEntity {
  /** What is counted, and the digest of who: a name that is none may be a password in the wrong field. */
  @PrimaryColumn('text')
  key: string;

  @Column('int')
  points: number;

  /** When it begins anew, in ms since 1970. */
  @Column('bigint', { nullable: true, transformer: bigintNumber })
  expire: number | null;
}
