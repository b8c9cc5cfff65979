import type { ArchiveFile } from '@bty/archive';
import { parse, stringify, type TomlTable } from 'smol-toml';
import { CONFIG_FILE } from './workflow-files.js';

/** Facts that a workflow finds below `bty` in its configuration. Absent ones are not known. */
export interface WorkflowFacts {
  readonly mac: string;
  readonly run_id?: string | undefined;
  readonly hostname?: string | undefined;
  readonly image?: string | undefined;
  readonly image_sha256?: string | undefined;
}

/** How a workflow reaches its machine; cijoe hands it to paramiko as it is. */
export interface WorkflowTransport {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly key_filename: string;
}

function table(value: unknown): TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TomlTable) : {};
}

function merged(below: TomlTable, above: TomlTable): TomlTable {
  const result: TomlTable = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const both = [below[key], value].every((side) => Object.keys(table(side)).length > 0);
    result[key] = both ? merged(table(below[key]), table(value)) : value;
  }
  return result;
}

/** The workflow's own settings; empty when it has none. Throws the parser's error, which names line and column. */
export function ownConfig(files: readonly ArchiveFile[]): TomlTable {
  const file = files.find(({ path }) => path === CONFIG_FILE);
  return file === undefined ? {} : parse(file.content.toString('utf8'));
}

/** cijoe takes every text of its configuration for a Jinja template; this one stands for itself. */
function literal(text: string): string {
  return text.replace(/\{[{%#]/g, (opening) => `{{ '${opening}' }}`);
}

function known(facts: WorkflowFacts): TomlTable {
  const given = Object.entries<string | undefined>({ ...facts });
  return Object.fromEntries(given.flatMap(([name, text]) => (text === undefined ? [] : [[name, literal(text)]])));
}

/**
 * cijoe's configuration for one run, as TOML. The transport `bty` is the only one, so that it is cijoe's default; without
 * it everything runs on the initiator.
 */
export function runConfig(own: TomlTable, facts: WorkflowFacts, transport: WorkflowTransport | undefined): string {
  const { transport: _replaced, ...cijoe } = table(own['cijoe']);
  const paramiko = { ...transport, look_for_keys: false, allow_agent: false } as TomlTable;
  const ours = transport === undefined ? cijoe : { ...cijoe, transport: { bty: paramiko } };
  return stringify(merged({ ...own, cijoe: ours }, { bty: known(facts) }));
}
