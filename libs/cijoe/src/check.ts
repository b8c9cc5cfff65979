import { parse, stringify } from 'smol-toml';

/**
 * Configuration for cijoe's integrity check. That check (0.9.61, cli_integrity_check) fills in templates from the
 * configuration alone, where a run has `local`, `config` and `resources`: the first two are laid out for it here.
 */
export function checkConfig(config: string, environment: Readonly<Record<string, string>>): string {
  const settings = parse(config);
  return stringify({ ...settings, config: settings, local: { env: { ...environment } } });
}

/** What has cijoe judge a workflow; `config` is the path of a configuration that was made for it. */
export function cijoeCheckCommand(mainFile: string, config: string): [string, ...string[]] {
  return ['cijoe', '--integrity-check', mainFile, '--config', config];
}

const MAX_PROBLEM_CHARS = 4_000;

/** What cijoe's integrity check says against a workflow, in its own words. */
export function checkProblem(output: string): string {
  // `ERROR:module:function(): what is wrong`
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const said = lines.map((line) => line.replace(/^ERROR:\w+:\w+\(\): /, ''));
  return said.join('\n').slice(-MAX_PROBLEM_CHARS) || 'cijoe gives no reason';
}
