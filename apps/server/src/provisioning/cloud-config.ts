import { readMapping } from './yaml-mapping.js';

/** Keys that are often written in another shape by mistake, and what cloud-init's module reference wants of them. */
const TEXTS = ['hostname', 'fqdn', 'timezone', 'password'];
const LISTS = ['write_files', 'ssh_authorized_keys', 'packages', 'runcmd', 'bootcmd', 'mounts'];

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shapeProblem(mapping: Readonly<Record<string, unknown>>): string | undefined {
  const given = (key: string): boolean => mapping[key] !== undefined && mapping[key] !== null;
  const noText = TEXTS.find((key) => given(key) && typeof mapping[key] !== 'string');
  if (noText !== undefined) return `${noText} must be a text; put it in quotes`;
  const noList = LISTS.find((key) => given(key) && !Array.isArray(mapping[key]));
  return noList && `${noList} must be a list`;
}

function fileProblem(file: unknown, index: number): string | undefined {
  const place = `write_files[${index}]`;
  if (!isMapping(file)) return `${place} must be a mapping`;
  const { path, permissions, content } = file;
  if (typeof path !== 'string' || !path.startsWith('/')) return `${place}.path must be an absolute path`;
  // Without quotes YAML makes a number of it: 0644 is read as octal, but 644 is not.
  if (permissions !== undefined && typeof permissions !== 'string') return `${place}.permissions must be in quotes`;
  if (typeof content === 'number' || typeof content === 'boolean' || isMapping(content) || Array.isArray(content)) {
    // `!!binary` content is bytes.
    return content instanceof Uint8Array ? undefined : `${place}.content must be a text`;
  }
  return undefined;
}

function userProblem(user: unknown, index: number): string | undefined {
  const place = `users[${index}]`;
  if (typeof user === 'string') return undefined;
  if (!isMapping(user)) return `${place} must be a name or a mapping`;
  if (typeof user['name'] !== 'string' && !('snapuser' in user)) return `${place}.name must be a text`;
  const keys = user['ssh_authorized_keys'];
  const fine = keys === undefined || (Array.isArray(keys) && keys.every((key) => typeof key === 'string'));
  return fine ? undefined : `${place}.ssh_authorized_keys must be a list of texts`;
}

function firstOf(list: unknown, problemOf: (entry: unknown, index: number) => string | undefined): string | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.map(problemOf).find((problem) => problem !== undefined);
}

/** What is wrong with a `#cloud-config` text; undefined when cloud-init can read it. Unknown keys are its business. */
export function cloudConfigProblem(text: string): string | undefined {
  const { mapping, problem } = readMapping(text);
  if (mapping === undefined) return problem;
  return (
    shapeProblem(mapping) ?? firstOf(mapping['write_files'], fileProblem) ?? firstOf(mapping['users'], userProblem)
  );
}
