import { IsOptional, IsString, Length, MaxLength } from 'class-validator';

/** Largest text of a seed in bytes of UTF-8, placeholders filled in. With all escapes they fit into one frame. */
export const SEED_LIMITS = {
  user_data: 64 * 1024,
  vendor_data: 16 * 1024,
  meta_data: 16 * 1024,
  network_config: 16 * 1024,
} as const;

/** A text of a seed that an operator writes, by its name in the API. */
export type SeedTextName = keyof typeof SEED_LIMITS;
export const SEED_TEXT_NAMES = Object.keys(SEED_LIMITS) as SeedTextName[];

// Room for the two lines that the server adds to the meta-data.
const META_DATA_CHARS = SEED_LIMITS.meta_data + 1024;
// What the server adds to the vendor-data makes the operator's a part of it in base64.
const VENDOR_DATA_CHARS = 2 * SEED_LIMITS.vendor_data;

/**
 * The files of cloud-init's NoCloud datasource, exactly as they go onto the disk. A file that is absent here is absent
 * on the disk.
 */
export class NoCloudSeed {
  /** Names this one flash: cloud-init does its first-boot work again for every new one. Stands in `meta_data` too. */
  @IsString()
  @Length(1, 128)
  instance_id: string;

  @IsString()
  @MaxLength(META_DATA_CHARS)
  meta_data: string;

  @IsString()
  @MaxLength(SEED_LIMITS.user_data)
  user_data: string;

  @IsOptional()
  @IsString()
  @MaxLength(SEED_LIMITS.network_config)
  network_config?: string;

  @IsOptional()
  @IsString()
  @MaxLength(VENDOR_DATA_CHARS)
  vendor_data?: string;
}
