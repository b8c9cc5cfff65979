import { IMAGE_FORMATS, type ImageFormat } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { FailureDto, PageQuery, readPageStart, readSort, writePageStart } from '../http/index.js';
import { IMAGE_STATES, type ImageEntity, type ImageState } from './image.entity.js';
import { IMAGE_SORT_COLUMNS, IMAGE_SORT_FIELDS, type ImageSortField } from './image-sort.js';
import type { ImageFilter, ImageOrder } from './images.repository.js';
import type { StoredKind } from './pack-store.service.js';

const IMAGE_SORTS = IMAGE_SORT_FIELDS.flatMap((field) => [field, `-${field}`]);

/** Which images to list. */
export class ImagesQuery extends PageQuery {
  /** Only images in this state. */
  @IsOptional()
  @IsIn(IMAGE_STATES)
  @ApiProperty({ enum: IMAGE_STATES, enumName: 'ImageState', required: false })
  state?: ImageState;

  /** Only images of this format. */
  @IsOptional()
  @IsIn(IMAGE_FORMATS)
  @ApiProperty({ enum: IMAGE_FORMATS, enumName: 'ImageFormat', required: false })
  format?: ImageFormat;

  /** Field to sort by, with a `-` before it to go down. */
  @IsIn(IMAGE_SORTS)
  @ApiProperty({ enum: IMAGE_SORTS, required: false, default: 'name' })
  sort: string = 'name';

  /** Where the page begins: from the `Link` header of the page before; sorted by `name`, a name will do. */
  @IsOptional()
  @IsString()
  @MaxLength(600)
  after?: string;
}

/** What an upload may say in its query. */
export class UploadQuery {
  /**
   * SHA-256 of the bytes, 64 hexadecimal digits; the header `Content-Digest: sha-256=:<base64>:` says the same.
   * @example '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
   */
  @IsOptional()
  @IsString()
  sha256?: string;
}

/** A file that was derived from an image; its bytes never change. */
export class DerivedFileDto {
  /** Where this server has it, for instance `/maps/4878…`. */
  path: string;

  /** Length in bytes. */
  @ApiProperty({ type: 'integer' })
  size_bytes: number;

  /** BLAKE3-256 of the file, hex: its ETag. */
  blake3: string;
}

/** How far the preparation of an image is. */
export class PreparingDto {
  /** Bytes of the disk that were read. */
  @ApiProperty({ type: 'integer' })
  bytes_done: number;

  /** Bytes of the disk; null while nobody knows. */
  @ApiProperty({ type: 'integer', nullable: true })
  bytes_total: number | null;
}

/** An image of the catalogue. */
export class ImageDto {
  /** @example 'debian-13.img' */
  name: string;

  @ApiProperty({ enum: IMAGE_FORMATS, enumName: 'ImageFormat' })
  format: ImageFormat;

  /** Length of the file in bytes. */
  @ApiProperty({ type: 'integer' })
  size_bytes: number;

  /** Length of the raw disk in bytes; null until it is known. */
  @ApiProperty({ type: 'integer', nullable: true })
  content_size_bytes: number | null;

  /** SHA-256 of the file, hex: its ETag. Null until it is known. */
  @ApiProperty({ type: String, nullable: true })
  sha256: string | null;

  /** SHA-256 of the raw disk's bytes, hex. */
  @ApiProperty({ type: String, nullable: true })
  content_sha256: string | null;

  /** What each chunk of the disk holds, and where the pack has it; null until the image is ready. */
  @ApiProperty({ type: DerivedFileDto, nullable: true })
  map: DerivedFileDto | null;

  /** The disk's bytes in the zstd seekable format; null until the image is ready. */
  @ApiProperty({ type: DerivedFileDto, nullable: true })
  pack: DerivedFileDto | null;

  /** Logical sector size that its partition table was made for, in bytes; null without a GPT. */
  @ApiProperty({ type: 'integer', nullable: true })
  sector_bytes: number | null;

  /** Only a `ready` image can be flashed. */
  @ApiProperty({ enum: IMAGE_STATES, enumName: 'ImageState' })
  state: ImageState;

  /** Null unless the image is being prepared, and until that has begun. */
  @ApiProperty({ type: PreparingDto, nullable: true })
  progress: PreparingDto | null;

  /** Why it cannot be flashed. */
  @ApiProperty({ type: FailureDto, nullable: true })
  error: FailureDto | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;
}

function derived(kind: StoredKind, blake3: string | null, sizeBytes: number | null): DerivedFileDto | null {
  return blake3 === null || sizeBytes === null ? null : { path: `/${kind}/${blake3}`, size_bytes: sizeBytes, blake3 };
}

/** What the API shows of an image. */
export function toImageDto(image: ImageEntity): ImageDto {
  return {
    name: image.name,
    format: image.format,
    size_bytes: image.sizeBytes,
    content_size_bytes: image.contentSizeBytes,
    sha256: image.sha256,
    content_sha256: image.contentSha256,
    map: derived('maps', image.mapBlake3, image.mapSizeBytes),
    pack: derived('packs', image.packBlake3, image.packSizeBytes),
    sector_bytes: image.sectorBytes,
    state: image.state,
    progress: image.progress && {
      bytes_done: image.progress.bytesDone,
      bytes_total: image.progress.bytesTotal ?? null,
    },
    error: image.error,
    created_at: image.createdAt.toISOString(),
    updated_at: image.updatedAt.toISOString(),
  };
}

/** Which images a query means, in which order. Throws INVALID_REQUEST. */
export function toImageList(query: ImagesQuery): { filter: ImageFilter; order: ImageOrder } {
  const { state, format, after } = query;
  const sort = readSort(query.sort, IMAGE_SORT_FIELDS);
  const filter = { state, format };
  if (after === undefined) return { filter, order: sort };
  const byName = sort.field === 'name';
  const start = byName ? { value: after, key: after } : readPageStart(after, IMAGE_SORT_COLUMNS[sort.field].kind);
  return { filter, order: { ...sort, start } };
}

/** Where the page behind an image begins. */
export function imagePageEnd(image: ImageEntity, field: ImageSortField): string {
  if (field === 'name') return image.name;
  const value = field === 'size_bytes' ? image.sizeBytes : image[SORT_TIMES[field]].getTime();
  return writePageStart({ value: String(value), key: image.name });
}

const SORT_TIMES = { created_at: 'createdAt', updated_at: 'updatedAt' } as const;
