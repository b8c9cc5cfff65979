import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { MachineEntity } from '../machines/index.js';
import type { Difference } from './diff-facts.js';

/** What the last comparison of a machine with its baseline has found. */
@Entity('drift_checks')
export class DriftCheckEntity {
  @PrimaryColumn('text')
  mac: string;

  @ManyToOne(() => MachineEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'mac' })
  machine?: Relation<MachineEntity>;

  /** The baseline that it was compared with. */
  @Column('int')
  baseline: number;

  @Column('timestamptz')
  checkedAt: Date;

  @Column('jsonb')
  differences: Difference[];
}
