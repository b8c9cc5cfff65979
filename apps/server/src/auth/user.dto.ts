import { MayBeAbsent } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { PageQuery, ROLES, type Role } from '../http/index.js';
import type { UserEntity } from './user.entity.js';

export const PASSWORD_LENGTH = { min: 10, max: 256 } as const;
/** Names of users and of tokens: they stand in paths, in logs and in events. */
export const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const NAME_PROBLEM = '$property must be 1 to 64 letters, digits and ._@- only';

/** Which users to list. */
export class UsersQuery extends PageQuery {
  /** Only users whose name sorts after this one. */
  @IsOptional()
  @Matches(ACCOUNT_NAME, { message: NAME_PROBLEM })
  after?: string;
}

/** A new user. */
export class UserPost {
  /** @example 'anna' */
  @Matches(ACCOUNT_NAME, { message: NAME_PROBLEM })
  username: string;

  /** 10 to 256 characters. */
  @IsString()
  @Length(PASSWORD_LENGTH.min, PASSWORD_LENGTH.max)
  password: string;

  @IsIn(ROLES)
  @ApiProperty({ enum: ROLES, enumName: 'Role' })
  role: Role;
}

/** A change of a user. What is left out stays. */
export class UserPatch {
  /** 10 to 256 characters. */
  @MayBeAbsent()
  @IsString()
  @Length(PASSWORD_LENGTH.min, PASSWORD_LENGTH.max)
  password?: string;

  @MayBeAbsent()
  @IsIn(ROLES)
  @ApiProperty({ enum: ROLES, enumName: 'Role', required: false })
  role?: Role;

  /** Whether the user may log in. */
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;
}

/** Somebody who logs in by a password. */
export class UserDto {
  username: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role' })
  role: Role;

  enabled: boolean;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  last_login_at: string | null;
}

/** What the API shows of a user. */
export function toUserDto(user: UserEntity): UserDto {
  return {
    username: user.username,
    role: user.role,
    enabled: user.enabled,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
    last_login_at: user.lastLoginAt?.toISOString() ?? null,
  };
}
