import { Column, Entity, PrimaryColumn } from 'typeorm';

/** `checking`: cijoe has not looked at it yet; `ready`: it may be run; `refused`: cijoe does not take it. */
export const WORKFLOW_STATES = ['checking', 'ready', 'refused'] as const;
export type WorkflowState = (typeof WORKFLOW_STATES)[number];

/** One version of a workflow. Its files are an archive in the state directory, named by the digest. */
@Entity('workflow_versions')
export class WorkflowVersionEntity {
  @PrimaryColumn('text', { collation: 'C' })
  name: string;

  /** SHA-256 of the archive, hex. */
  @PrimaryColumn('text')
  digest: string;

  @Column('text')
  state: WorkflowState;

  /** What cijoe said when it refused it. */
  @Column('text', { nullable: true })
  problem: string | null;

  /** The file that cijoe runs. */
  @Column('text')
  mainFile: string;

  @Column('text', { array: true })
  files: string[];

  @Column('int')
  sizeBytes: number;

  /** When it was put last: of the versions that are ready, the newest is the one that its name means. */
  @Column('timestamptz')
  putAt: Date;

  @Column('text')
  putBy: string;
}
