import type { ErrorCode, ImageFormat } from '@bty/wire-types';
import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import { bigintNumber } from '../db/index.js';

/** `preparing`: its digests are being derived; `unsupported`: this version cannot flash it. */
export const IMAGE_STATES = ['preparing', 'ready', 'failed', 'unsupported'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** A file of the image root, as the catalogue knows it. */
@Entity('images')
export class ImageEntity {
  /** Sorted by bytes, whatever the locale of the database is. */
  @PrimaryColumn('text', { collation: 'C' })
  name: string;

  @Column('text')
  format: ImageFormat;

  @Column('text')
  state: ImageState;

  @Column('jsonb', { nullable: true })
  error: { code: ErrorCode; message: string } | null;

  /** Tells whether the file is still the one that the digests belong to. */
  @Column('text')
  fingerprint: string;

  @Column('bigint', { transformer: bigintNumber })
  sizeBytes: number;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  contentSizeBytes: number | null;

  @Column('text', { nullable: true })
  sha256: string | null;

  @Column('text', { nullable: true })
  contentSha256: string | null;

  @Column('text', { nullable: true })
  contentBlake3: string | null;

  /** Logical sector size that its partition table was made for. */
  @Column('int', { nullable: true })
  sectorBytes: number | null;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz' })
  updatedAt: Date;
}
