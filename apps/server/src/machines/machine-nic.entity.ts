import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A network card and the box that it was seen in last, by the agent that ran there. */
@Entity('machine_nics')
export class MachineNicEntity {
  /** `aa:bb:cc:dd:ee:ff` */
  @PrimaryColumn('text', { collation: 'C' })
  mac: string;

  /** Names the box. The DMI UUID does not: there are boards that share one. */
  @Index()
  @Column('uuid')
  box: string;

  @Column('text')
  dmiUuid: string;

  @Column('timestamptz')
  seenAt: Date;
}
