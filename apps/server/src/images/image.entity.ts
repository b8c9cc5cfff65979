import type { ErrorCode, ImageFormat } from '@bty/wire-types';
import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import { bigintNumber } from '../db/index.js';

/** `preparing`: its pack and map are being derived; `unsupported`: it cannot be an image, whatever its bytes are. */
export const IMAGE_STATES = ['preparing', 'ready', 'failed', 'unsupported'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** How much of its disk has been read while it is prepared, in bytes; the total is absent while it is not known. */
export interface PreparingProgress {
  readonly bytesDone: number;
  readonly bytesTotal?: number | undefined;
}

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

  /** BLAKE3-256 of the map's file: its name in the store, and so for the pack. */
  @Column('text', { nullable: true })
  mapBlake3: string | null;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  mapSizeBytes: number | null;

  @Column('text', { nullable: true })
  packBlake3: string | null;

  @Column('bigint', { nullable: true, transformer: bigintNumber })
  packSizeBytes: number | null;

  @Column('jsonb', { nullable: true })
  progress: PreparingProgress | null;

  /** Logical sector size that its partition table was made for. */
  @Column('int', { nullable: true })
  sectorBytes: number | null;

  @CreateDateColumn({ type: 'timestamptz' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz' })
  updatedAt: Date;
}
