/** Where a workflow is run. Paths as cijoe sees them. */
export interface CijoePlaces {
  /** The file that cijoe runs, below its working directory. */
  readonly mainFile: string;
  readonly config: string;
  /** A folder that is not there yet. */
  readonly output: string;
}

/** What runs a workflow: its output and cijoe's own words go to standard output, its report into the folder. */
export function cijoeCommand({ mainFile, config, output }: CijoePlaces): [string, ...string[]] {
  return ['cijoe', mainFile, '--config', config, '--output', output, '--monitor', '-l'];
}

/** What makes a report of what a workflow left that was stopped. */
export function cijoeReportCommand(output: string): [string, ...string[]] {
  return ['cijoe', '--report-only', '--output', output, '-l'];
}
