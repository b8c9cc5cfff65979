import { BtyError } from '@bty/wire-types';

/** Where a command writes, what it is told by its surroundings, and what ends it. */
export interface CommandPorts {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether standard error is a terminal. */
  terminal: boolean;
  searchPath: string;
  environment: Readonly<Record<string, string | undefined>>;
  stop: AbortSignal;
}

/** What the command line needs of the process. */
export interface ProgramPorts extends CommandPorts {
  /** Whether a person sits at standard input and output. */
  interactive: boolean;
  root: boolean;
  /** Asks a person for something that is not shown; without a terminal, the first line of standard input. */
  secret(prompt: string): Promise<string>;
  kernelCommandLine(): Promise<string>;
  showLine(line: string): void;
  /** Makes the process end with this code when all is done. */
  exitWith(code: number): void;
}

/** A wrong command line. */
export function usage(message: string): BtyError {
  return new BtyError('INVALID_REQUEST', message);
}

/** The SHA-256 that `--sha256` asks for, in lower case. Throws `INVALID_REQUEST`. */
export function parseDigest(text: string | undefined): string | undefined {
  if (text === undefined || /^[0-9a-f]{64}$/i.test(text)) return text?.toLowerCase();
  throw usage('--sha256 must be 64 hexadecimal digits');
}

/** The only block devices that are looked at (`BTY_DISKS`); empty: all. */
export function disksLookedAt(environment: CommandPorts['environment']): string[] {
  return (environment.BTY_DISKS ?? '').split(/\s+/).filter((path) => path !== '');
}
