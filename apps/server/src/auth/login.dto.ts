import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, MaxLength } from 'class-validator';
import { type Caller, ROLES, type Role } from '../http/index.js';
import { PASSWORD_LENGTH } from './user.dto.js';

/** Who logs in. */
export class LoginPost {
  /** @example 'anna' */
  @IsString()
  @Length(1, 64)
  username: string;

  /** @example 'correct horse battery staple' */
  @IsString()
  @Length(1, PASSWORD_LENGTH.max)
  password: string;
}

/** A change of one's own password. */
export class PasswordPost {
  /** The present one. */
  @IsString()
  @MaxLength(PASSWORD_LENGTH.max)
  present_password: string;

  /** 10 to 256 characters. */
  @IsString()
  @Length(PASSWORD_LENGTH.min, PASSWORD_LENGTH.max)
  new_password: string;
}

/** Whose credential a request shows. */
export class MeDto {
  /** As events name it, for instance `user:anna` or `token:nightly`. */
  name: string;

  @ApiProperty({ enum: ROLES, enumName: 'Role' })
  role: Role;

  /** The tag that machines must have to be seen; null: all machines. */
  @ApiProperty({ type: String, nullable: true })
  pool: string | null;

  /** What a change by cookie must give in the header `X-CSRF-Token`; null for an API token. */
  @ApiProperty({ type: String, nullable: true })
  csrf_token: string | null;
}

/** What a login gives. A browser gets the same token as a cookie. */
export class LoginDto extends MeDto {
  /** To be sent as `Authorization: Bearer <token>`. */
  token: string;

  @ApiProperty({ format: 'date-time' })
  expires_at: string;
}

/** What the API shows of a caller. */
export function toMeDto({ actor, role, pool }: Caller, csrfToken: string | null): MeDto {
  return { name: actor.name, role, pool: pool ?? null, csrf_token: csrfToken };
}
