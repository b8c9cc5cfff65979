import { SEED_LIMITS, type SeedTextName } from '@bty/wire-types';
import { cloudConfigProblem } from './cloud-config.js';
import { isJinja } from './template.js';
import { readMapping } from './yaml-mapping.js';

// Everything that YAML and shells know is fine; the rest could forge a line on a terminal, and YAML refuses it.
const CONTROL = /[^\P{Cc}\t\n\r]/u;

/** How cloud-init tells what a text is (cloudinit/handlers/__init__.py): by how it begins, in any case. */
const BEGINNINGS = [
  '#cloud-config',
  '#!',
  '#include',
  '#cloud-boothook',
  '#part-handler',
  '## template: jinja',
  'MIME-Version:',
  'Content-Type: multipart/',
] as const;

// Blanks as cloud-init's Python knows them: a byte order mark is none.
function firstLine(text: string): string {
  return (
    text
      .replace(/^[^\S\ufeff]+/, '')
      .split('\n', 1)[0]
      ?.trimEnd() ?? ''
  );
}

function dataProblem(text: string): string | undefined {
  const first = firstLine(text).toLowerCase();
  if (!BEGINNINGS.some((beginning) => first.startsWith(beginning.toLowerCase()))) {
    return `must begin with one of ${BEGINNINGS.join(', ')}`;
  }
  if (isJinja(text)) {
    const rest = text.trimStart().slice(firstLine(text).length);
    return firstLine(rest).startsWith('#') ? undefined : 'must name its own type in the line after ## template: jinja';
  }
  // #cloud-config-archive is a list, #cloud-config-jsonp a patch: cloud-init's own to judge.
  return first.startsWith('#cloud-config') && !first.startsWith('#cloud-config-')
    ? cloudConfigProblem(text)
    : undefined;
}

function metaDataProblem(text: string): string | undefined {
  const { mapping, problem } = readMapping(text);
  if (mapping === undefined) return problem;
  if ('instance-id' in mapping) return 'must not have instance-id: every flash gets a new one';
  if ('local-hostname' in mapping) return 'must not have local-hostname: it is the hostname of the record';
  return undefined;
}

function networkProblem(text: string): string | undefined {
  const { mapping, problem } = readMapping(text);
  if (mapping === undefined) return problem;
  const network = (mapping['network'] ?? mapping) as Readonly<Record<string, unknown>> | unknown[] | string;
  if (typeof network !== 'object' || Array.isArray(network)) return 'network must be a mapping';
  if (network['config'] === 'disabled') return undefined;
  const { version } = network;
  if (version !== 1 && version !== 2) return 'must say version: 1 or version: 2';
  if (version === 1 && !Array.isArray(network['config'])) return 'of version 1 must have a list called config';
  return undefined;
}

const CHECKS: Readonly<Record<SeedTextName, (text: string) => string | undefined>> = {
  user_data: dataProblem,
  vendor_data: dataProblem,
  meta_data: metaDataProblem,
  network_config: networkProblem,
};

/** What is wrong with a text whose placeholders are filled in; undefined when cloud-init can read it. */
export function seedTextProblem(name: SeedTextName, text: string): string | undefined {
  const limit = SEED_LIMITS[name];
  if (Buffer.byteLength(text) > limit) return `must have at most ${limit} bytes, placeholders filled in`;
  if (!text.isWellFormed()) return 'must not have half a character';
  if (CONTROL.test(text)) return 'must not have control characters';
  return CHECKS[name](text);
}
