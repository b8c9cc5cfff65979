import { ERROR_CODE_NAMES, type ErrorCode } from '@bty/wire-types';
import { ApiProperty } from '@nestjs/swagger';

/** Why something failed. */
export class FailureDto {
  @ApiProperty({ enum: ERROR_CODE_NAMES, enumName: 'ErrorCode' })
  code: ErrorCode;

  /** For a person: what happened, and what to do. */
  message: string;
}
