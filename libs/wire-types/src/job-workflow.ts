import { IsInt, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { PROTOCOL_LIMITS } from './close-codes.js';

const MAX_INT = Number.MAX_SAFE_INTEGER;

/** A workflow that is run on the flashed disk, fixed by digest when the job was made. */
export class JobWorkflow {
  /** Its name in the catalogue. */
  @IsString()
  @Length(1, 255)
  name: string;

  /** Path on the server that the agent is connected to; the credential is the agent's session. */
  @IsString()
  @Matches(/^\/[\x21-\x7e]*$/)
  @MaxLength(2048)
  path: string;

  /** SHA-256 of the tar, hex: the version. */
  @Matches(/^[0-9a-f]{64}$/)
  digest: string;

  /** Length of the tar in bytes. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  size_bytes: number;

  /** The file in it that cijoe runs. */
  @IsString()
  @Length(1, 255)
  main_file: string;

  /** cijoe's configuration, TOML. */
  @IsString()
  @MaxLength(PROTOCOL_LIMITS.maxWorkflowConfigBytes)
  config: string;

  /** How long it may take. */
  @IsInt()
  @Min(1)
  @Max(MAX_INT)
  time_limit_seconds: number;
}
