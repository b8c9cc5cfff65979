import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** The key pair with which this installation logs in to the systems that it has flashed. */
@Entity('installation_keys')
export class InstallationKeyEntity {
  /** There is one: `ssh`. */
  @PrimaryColumn('text')
  name: string;

  /** A line of `authorized_keys`. */
  @Column('text')
  publicKey: string;

  /** OpenSSH's private key file, unencrypted. */
  @Column('text')
  privateKey: string;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;
}
