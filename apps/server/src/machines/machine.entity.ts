import type { BootPolicy, Inventory, ProvisioningMode, TargetHint } from '@bty/wire-types';
import { Column, CreateDateColumn, Entity, Index, PrimaryColumn, UpdateDateColumn, VersionColumn } from 'typeorm';

/** What the server knows about one machine: its operator's wishes, and what it was seen to be. */
@Entity('machines')
export class MachineEntity {
  /** `aa:bb:cc:dd:ee:ff` */
  @PrimaryColumn('text', { collation: 'C' })
  mac: string;

  @Column('text')
  bootPolicy: BootPolicy;

  @Column('text')
  provisioningMode: ProvisioningMode;

  @Column('text', { nullable: true })
  image: string | null;

  @Column('text', { nullable: true })
  hostname: string | null;

  @Column('text', { nullable: true })
  cijoeWorkflowRef: string | null;

  @Column('jsonb', { nullable: true })
  targetHint: TargetHint | null;

  @Column('text', { nullable: true })
  sshHost: string | null;

  @Column('text', { default: 'root' })
  sshUser: string;

  @Column('text', { nullable: true })
  sshKey: string | null;

  @Column('text', { array: true, default: '{}' })
  driftIgnore: string[];

  // A tag of a few machines among ten thousand is found in a tenth of the time.
  @Index('machines_by_tag', { type: 'gin' })
  @Column('text', { array: true })
  tags: string[];

  @Column('text', { nullable: true })
  userData: string | null;

  @Column('text', { nullable: true })
  metaData: string | null;

  @Column('text', { nullable: true })
  networkConfig: string | null;

  @Column('text', { nullable: true })
  vendorData: string | null;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;

  /** Of the operator's fields. */
  @UpdateDateColumn({ type: 'timestamptz' })
  updatedAt: Date;

  /** Counts the changes of the operator's fields. */
  @VersionColumn({ default: 1 })
  revision: number;

  @Column('timestamptz', { nullable: true })
  discoveredAt: Date | null;

  @Column('timestamptz', { nullable: true })
  lastSeenAt: Date | null;

  @Column('text', { nullable: true })
  lastSeenIp: string | null;

  @Column('timestamptz', { nullable: true })
  lastFlashedAt: Date | null;

  @Column('jsonb', { nullable: true })
  inventory: Inventory | null;

  @Column('timestamptz', { nullable: true })
  inventoryAt: Date | null;

  /** When its own system reported after a boot, and from where. */
  @Column('timestamptz', { nullable: true })
  bootedAt: Date | null;

  @Column('text', { nullable: true })
  bootedIp: string | null;

  /** SSH host keys of the flashed system, `TYPE BASE64` each; null until it was reached for the first time. */
  @Column('jsonb', { nullable: true })
  sshHostKeys: string[] | null;

  /** Whether the live env was started since the last completion signal: then the next one may queue a run. */
  @Column('boolean', { default: false })
  runDue: boolean;

  /** Until then, a PXE contact is the boot after a flash and gets the local disk. */
  @Column('timestamptz', { nullable: true })
  firstBootUntil: Date | null;
}
