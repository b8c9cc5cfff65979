import { ApiProperty } from '@nestjs/swagger';

/** The completion signal has been taken. */
export class DoneDto {
  /** @example '52:54:00:00:00:01' */
  mac: string;

  @ApiProperty({ format: 'date-time' })
  last_flashed_at: string;
}

/** The machine's own system is known to be up. */
export class BootedDto {
  /** @example '52:54:00:00:00:01' */
  mac: string;

  @ApiProperty({ format: 'date-time' })
  booted_at: string;

  /** Address that it reported from. */
  booted_ip: string;
}
