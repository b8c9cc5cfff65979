import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, Matches } from 'class-validator';
import { invalidFields, PageQuery, ROLES, type Role } from '../http/index.js';
import type { ApiTokenEntity } from './api-token.entity.js';
import type { TokenWish } from './api-tokens.repository.js';
import { ACCOUNT_NAME } from './user.dto.js';

const NAME_PROBLEM = '$property must be 1 to 64 letters, digits and ._@- only';
const TAG = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Who may do more than look and flash is not held to a pool: it could give itself other machines. */
const POOL_ROLES: readonly Role[] = ['viewer', 'ci'];

/** Which tokens to list. */
export class ApiTokensQuery extends PageQuery {
  /** Only tokens whose name sorts after this one. */
  @IsOptional()
  @Matches(ACCOUNT_NAME, { message: NAME_PROBLEM })
  after?: string;
}

/** A new API token. */
export class ApiTokenPost {
  /**
   * What events call it. One valid token has it at a time.
   * @example 'nightly'
   */
  @Matches(ACCOUNT_NAME, { message: NAME_PROBLEM })
  name: string;

  @IsIn(ROLES)
  @ApiProperty({ enum: ROLES, enumName: 'Role', example: 'ci' })
  role: Role;

  /**
   * Tag that machines must have for the token to see and flash them; for the roles `viewer` and `ci`. Left out: all machines.
   * @example 'rack-2'
   */
  @IsOptional()
  @Matches(TAG, { message: '$property must be a tag' })
  @ApiProperty({ type: String, required: false, nullable: true })
  pool?: string | null;

  /**
   * From when on it is not valid, with a time zone. Left out: it does not expire.
   * @example '2030-01-01T00:00:00Z'
   */
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(/T.*(Z|[+-]\d\d:?\d\d)$/, { message: '$property must be a time with a zone' })
  @ApiProperty({ type: String, format: 'date-time', required: false, nullable: true })
  expires_at?: string | null;
}

/** An API token without what it proves itself by. */
export class ApiTokenDto {
  @ApiProperty({ format: 'uuid' })
  id: string;

  name: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role' })
  role: Role;

  /** The tag that machines must have; null: all machines. */
  @ApiProperty({ type: String, nullable: true })
  pool: string | null;

  /** Who made it. */
  created_by: string;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expires_at: string | null;

  /** To the minute. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  last_used_at: string | null;

  @ApiProperty({ type: String, nullable: true })
  last_used_ip: string | null;
}

/** An API token as it is shown once. */
export class NewApiTokenDto extends ApiTokenDto {
  /**
   * To be sent as `Authorization: Bearer <token>`. The server keeps only its hash.
   * @example 'bty_vGh…'
   */
  token: string;
}

/** What was revoked. */
export class RevokedDto {
  /** How many tokens. */
  @ApiProperty({ type: 'integer' })
  revoked: number;
}

/** What an order of a token means. Throws INVALID_REQUEST. */
export function toTokenWish(body: ApiTokenPost, now: Date): TokenWish {
  const expiresAt = body.expires_at == null ? null : new Date(body.expires_at);
  const wish = { name: body.name, role: body.role, pool: body.pool ?? null, expiresAt };
  if (expiresAt !== null && !(expiresAt > now)) {
    throw invalidFields([{ field: 'expires_at', problem: 'must lie in the future' }]);
  }
  if (wish.pool !== null && !POOL_ROLES.includes(wish.role)) {
    throw invalidFields([{ field: 'pool', problem: `is for the roles ${POOL_ROLES.join(' and ')} only` }]);
  }
  return wish;
}

/** What the API shows of a token. */
export function toTokenDto(token: ApiTokenEntity): ApiTokenDto {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    pool: token.pool,
    created_by: token.createdBy,
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt?.toISOString() ?? null,
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    last_used_ip: token.lastUsedIp,
  };
}
