import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { MachineEntity } from '../machines/index.js';
import type { Facts } from './facts.js';

/** What a machine looked like when a run had succeeded on it: the source of truth for that machine. */
@Entity('baselines')
@Index('baselines_one_current', ['mac'], { unique: true, where: 'current' })
export class BaselineEntity {
  @PrimaryColumn('text')
  mac: string;

  /** Counts the baselines of a machine, from 1. */
  @PrimaryColumn('int')
  version: number;

  @ManyToOne(() => MachineEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'mac' })
  machine?: Relation<MachineEntity>;

  /** Whether the machine is compared with this one. */
  @Column('boolean')
  current: boolean;

  @Column('timestamptz')
  recordedAt: Date;

  @Column('uuid')
  runId: string;

  @Column('uuid', { nullable: true })
  flashJobId: string | null;

  @Column('text', { nullable: true })
  imageName: string | null;

  @Column('text', { nullable: true })
  imageSha256: string | null;

  @Column('text')
  workflowName: string;

  @Column('text')
  workflowDigest: string;

  @Column('jsonb')
  facts: Facts;
}
