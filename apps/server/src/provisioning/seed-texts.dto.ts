import { SEED_LIMITS, SEED_TEXT_NAMES } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import type { SeedTexts } from './seed.js';

const PLACES = 'Placeholders: `{{mac}}`, `{{hostname}}`, `{{image}}`, `{{ssh_public_key}}`';

/** cloud-init's texts in a request. `null` or left out is none. */
export class SeedTextsPut {
  @IsOptional()
  @IsString()
  @ApiProperty({
    type: String,
    required: false,
    nullable: true,
    description: `cloud-init's user-data, at most ${SEED_LIMITS.user_data} bytes; mode \`cloud-init\` needs it. ${PLACES}.`,
    example: '#cloud-config\nssh_authorized_keys: ["{{ssh_public_key}}"]\n',
  })
  user_data?: string | null;

  @IsOptional()
  @IsString()
  @ApiProperty({
    type: String,
    required: false,
    nullable: true,
    description: `More cloud-init meta-data, a YAML mapping, at most ${SEED_LIMITS.meta_data} bytes; bty adds \`instance-id\` and \`local-hostname\`. ${PLACES}.`,
  })
  meta_data?: string | null;

  @IsOptional()
  @IsString()
  @ApiProperty({
    type: String,
    required: false,
    nullable: true,
    description: `cloud-init's network configuration, version 1 or 2, at most ${SEED_LIMITS.network_config} bytes. ${PLACES}.`,
  })
  network_config?: string | null;

  @IsOptional()
  @IsString()
  @ApiProperty({
    type: String,
    required: false,
    nullable: true,
    description: `cloud-init's vendor-data, over which user-data wins, at most ${SEED_LIMITS.vendor_data} bytes. ${PLACES}.`,
  })
  vendor_data?: string | null;
}

/** The texts that a request means; an empty text is a text, and a bad one. */
export function toSeedTexts(body: SeedTextsPut): SeedTexts {
  const entries = SEED_TEXT_NAMES.map((name) => [name, body[name] ?? null]);
  return Object.fromEntries(entries) as SeedTexts;
}
